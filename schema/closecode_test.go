package schema

import "testing"

// TestCloseActions holds the table of the protocol's documentation: what a client does after each code.
func TestCloseActions(t *testing.T) {
	want := map[CloseCode]Action{
		4000: ActionLobby, 4001: ActionStop, 4002: ActionStop, 4003: ActionStop, 4004: ActionStop, 4005: ActionStop,
		4006: ActionStop, 4007: ActionResume, 4008: ActionBackOff, 4009: ActionResume, 4010: ActionMove,
		4011: ActionResume, 4012: ActionStop, 4013: ActionRetry, 4014: ActionStop,
		0: ActionResume, 1006: ActionResume, 1001: ActionResume, 1002: ActionStop, 1011: ActionBackOff, 4999: ActionBackOff,
	}
	for code, action := range want {
		if got := code.Action(); got != action {
			t.Errorf("%d (%s): action %d, want %d", uint16(code), code, got, action)
		}
	}
	if n := len(actions); n != 15 {
		t.Errorf("%d codes of our own, want 15", n)
	}
	for i := range actions {
		if _, ok := closeNames[CloseCode(4000+i)]; !ok {
			t.Errorf("code %d has no name", 4000+i)
		}
	}
}
