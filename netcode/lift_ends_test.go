package netcode

import (
	"testing"
	"time"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/schema"
)

// However a player leaves his match, his connection leaves it too: he is told why, and nothing stays in the park.
func TestLiftedDepartures(t *testing.T) {
	needsLift(t)
	frozen := func(m *Match) {
		done := make(chan struct{})
		m.Freeze(0, func(uint32) { close(done) })
		<-done
	}
	for name, c := range map[string]struct {
		code schema.CloseCode
		end  func(e *edge, m *Match, c *rawClient, x *session)
	}{
		"replaced": {schema.CloseReplaced, func(e *edge, _ *Match, _ *rawClient, _ *session) {
			if c, _, err := e.joined(e.token("m", "a"), nil); err == nil {
				c.Close()
			}
		}},
		"kicked":    {schema.CloseRemoved, func(_ *edge, m *Match, _ *rawClient, _ *session) { _ = m.Kick("a", "") }},
		"leaves":    {schema.CloseNormal, func(_ *edge, _ *Match, c *rawClient, _ *session) { c.message(c.w.Leave()) }},
		"over":      {schema.CloseMatchOver, func(_ *edge, m *Match, _ *rawClient, _ *session) { m.Stop(loop.OverFinished) }},
		"moved":     {schema.CloseMoved, func(_ *edge, m *Match, _ *rawClient, _ *session) { m.MoveTo("ws://x"); m.Retire(loop.OverMoved, "") }},
		"sent away": {schema.CloseMoved, func(_ *edge, m *Match, _ *rawClient, _ *session) { m.SendAway("ws://x") }},
		"frozen, moved": {schema.CloseMoved, func(_ *edge, m *Match, _ *rawClient, _ *session) {
			frozen(m)
			m.MoveTo("ws://x")
			m.Retire(loop.OverMoved, "")
		}},
		"frozen, closed": {schema.CloseUnavailable, func(_ *edge, m *Match, _ *rawClient, x *session) { frozen(m); x.end(schema.CloseUnavailable, "") }},
		"says goodbye in pieces": {1000, func(_ *edge, m *Match, c *rawClient, _ *session) {
			for _, b := range closeFrame(1000, "bye") {
				tick := m.Tick()
				c.bytes([]byte{b})
				for m.Tick() == tick {
					time.Sleep(time.Millisecond)
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			e := startTCP(t, nil)
			defer e.stop()
			m := e.match("m", nil)
			conn, _, err := e.joined(e.token("m", "a"), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(patience))
			conn.message(conn.w.Ping(1))
			x := e.session()
			eventually(t, "the match reads", func() bool { return x.nb.park.baton.Load() == parked })
			c.end(e, m, conn, x)
			defer m.Thaw() // a shutdown waits for it
			if code, err := conn.closed(); code != c.code || err != nil {
				t.Errorf("closed with %d, %v; want %d", code, err, c.code)
			}
			conn.Close()
			eventually(t, "no connection is left", func() bool { return e.srv.stats.Connections.Load() == 0 })
		})
	}
}
