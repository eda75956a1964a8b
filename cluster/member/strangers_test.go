package member

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/cluster/simnet"
)

func TestRosterTellsOfStrangersOnce(t *testing.T) {
	r := newRoster("self")
	for id, at := range map[string]time.Duration{"late": 0, "known": 0, "left": 0, "young": time.Second} {
		r.load(noon.Add(at), nodeLoad{id, 1, Load{Players: 1}})
	}
	r.node(noon, told(t, "known", true))
	r.leave(noon, "left")
	for i, step := range []struct {
		at   time.Duration
		want bool
	}{
		{strangeAfter - 1, false}, // its announcement may be on its way
		{strangeAfter, true},
		{strangeAfter, false},
		{time.Second + strangeAfter, true}, // the young one
		{time.Minute, false},
	} {
		now := noon.Add(step.at)
		r.settle(now)
		if got := r.strangers(now); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

// A node that hears of one that memberlist did not tell of asks others about it, once.
func TestStrangersAreAskedAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := simnet.New(1)
		var all []*Members
		for _, host := range []string{"a", "b"} {
			m, err := Start(Config{ID: "node-" + host, Label: "test", Keys: [][]byte{bytes.Repeat([]byte{7}, 32)}, Join: []string{"a"},
				Transport: network.Host(host).Transport(), Resolve: network.Resolve, Meta: Meta{Wire: 1}})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, m)
		}
		defer func() {
			for _, m := range all {
				m.Close()
			}
			time.Sleep(20 * time.Second)
		}()
		time.Sleep(20 * time.Second)
		b := all[1]
		before := b.Stats().Joins
		b.inbox.load(nodeLoad{"stranger", 1, Load{Players: 1}})
		time.Sleep(strangeAfter + 2*rejoinEvery)
		if asked := b.Stats().Joins - before; asked == 0 {
			t.Error("nobody was asked")
		}
		before = b.Stats().Joins
		b.inbox.load(nodeLoad{"stranger", 2, Load{Players: 2}})
		time.Sleep(time.Minute)
		if asked := b.Stats().Joins - before; asked != 0 {
			t.Errorf("others were asked %d times more", asked)
		}
	})
}
