package loop

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// What an operator says reaches everybody once, also in a pause, is in the journal, and a replay says it again.
func TestAnnounce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var file bytes.Buffer
		m, _, f := startFollowed(t, 0, func(c *Config) { c.Record = &file })
		a := enter(t, m, "a", who("a"))
		ok(t, m.Announce("restart at noon"))
		wait(2)
		ok(t, m.Pause(true))
		wait(2)
		ok(t, m.Announce("paused"))
		wait(2)
		b := enter(t, m, "b", who("b")) // came later: hears nothing of it
		if got := strings.Join(a.texts(), "|"); got != "restart at noon|paused" || len(b.messages) != 0 {
			t.Errorf("a heard %q, b %q", got, b.texts())
		}
		if err := m.Announce(strings.Repeat("x", game.MaxMessage+1)); !errors.Is(err, ErrSize) {
			t.Errorf("too long: %v", err)
		}
		m.Retire(OverMoved, "")
		<-m.Done()
		n, _ := takeOver(t, m, f, nil)
		c := enter(t, n, "a", resume(a))
		wait(2)
		if !slices.Equal(c.messages, a.messages) { // not acknowledged: they come again, under their numbers
			t.Errorf("after a failover %+v, before %+v", c.messages, a.messages)
		}
		head, recs, _ := readJournal(t, file.Bytes())
		core, err := NewCore(counterDef(nil), head)
		ok(t, err)
		ok(t, core.Replay(recs)) // the messages are state: every hash says that they are the same
		if err := n.Announce("x"); err != nil {
			t.Error(err)
		}
	})
}

// A journal may hold more than a message can: a replay cuts it as the owner would have.
func TestAnnounceIsCut(t *testing.T) {
	c := testCore(t)
	rec := join(1, 1, journal.Join{ID: "a"})
	ok(t, c.Apply(&rec))
	long := []byte(strings.Repeat("x", game.MaxMessage+5))
	ok(t, c.Apply(&journal.Record{Tick: 2, Events: []journal.Event{{Kind: journal.EventSay, Data: long}}}))
	var kinds []uint8
	c.find(1).out.after(0, func(_ uint32, kind uint8, data []byte) {
		if kinds = append(kinds, kind); len(data) != game.MaxMessage {
			t.Errorf("%d bytes", len(data))
		}
	})
	if len(kinds) != 1 || kinds[0] != MessageAdmin {
		t.Errorf("messages of kinds %v", kinds)
	}
}
