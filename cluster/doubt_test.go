package cluster

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/simnet"
	"github.com/overtime-server/overtime/netcode"
)

func TestDoubt(t *testing.T) {
	now := time.Now()
	ids := func(s string) []string { return strings.Split(s, "") }
	var d doubt
	for _, living := range []string{"a", "ab", "abcde", "abcd", "abc", "ab"} { // one after the other: the rest is still most of those before
		now = now.Add(recentDeath + time.Second)
		if d.look(now, ids(living)); d.minority(ids(living)) {
			t.Errorf("%s are a minority: %+v", living, d)
		}
	}
	for _, living := range []string{"abcde", "abcd", "abc", "ab"} { // one split, noticed over some seconds
		now = now.Add(time.Second)
		d.look(now, ids(living))
	}
	later := now.Add(time.Minute)
	for _, living := range []string{"ab", "a", "ab", "abxyz"} {
		if d.look(later, ids(living)); !d.minority(ids(living)) {
			t.Errorf("%s of 5 are no minority", living)
		}
	}
	if d.look(later, ids("abcx")); d.minority(ids("abcx")) {
		t.Error("3 of 5 are a minority")
	}
	d.look(later, ids("abcde"))
	for _, id := range ids("cde") {
		d.left(id)
	}
	if d.look(later, ids("ab")); d.minority(ids("ab")) {
		t.Error("2 are a minority, though three others said that they leave")
	}
	d.look(later, ids("abcde"))
	if d.look(later.Add(2*doubtFor), ids("a")); d.minority(ids("a")) {
		t.Error("in doubt for ever")
	}
}

// TestSimIsland: while a match goes on where most of the nodes are, no other node says that there is none: neither one of a small island, however
// long that lasts, nor one that starts there and knows of no other nodes than those. Nor do they declare it lost, which would end it afterwards.
func TestSimIsland(t *testing.T) {
	simulate(t, *simSeed, func(w *simWorld) {
		w.grow(5)
		m := w.create(w.anyNode(w.rng), 0)
		if !w.eventually(2*time.Second, func() bool { return w.protected(m) == nil }) {
			w.fail("%v", w.protected(m))
			return
		}
		owner := w.hosts(m)[0]
		r := owner.Node.matches.get(m.id).duty.shown.Load()
		var most, island []*simnet.Host
		var inside []*simNode
		for _, n := range w.alive() {
			if n.id == r.Owner || n.id == r.Standby || n.id == r.Witness {
				most = append(most, n.host)
			} else {
				island, inside = append(island, n.host), append(inside, n)
			}
		}
		island = append(island, w.net.Host("n"+strconv.Itoa(w.started+1)))
		w.net.Partition(most, island)
		ask := func(n *simNode) error {
			ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
			defer cancel()
			_, err := n.routeTo(ctx, m.id, 1)
			return err
		}
		time.Sleep(10 * time.Second)
		inside = append(inside, w.add())
		for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
			for _, n := range inside {
				if err := ask(n); err != nil && !errors.Is(err, netcode.ErrBusy) {
					w.fail("%s says %v", n.name, err)
				}
			}
		}
		w.net.Heal()
		time.Sleep(20 * time.Second)
		if err := w.protected(m); err != nil {
			w.fail("after the partition: %v", err)
		}
		for _, n := range w.alive() {
			if err := ask(n); err != nil {
				w.fail("after the partition %s says %v", n.name, err)
			}
			_, err := n.routeTo(context.Background(), "mnosuchmatch00000", 1)
			if !errors.Is(err, netcode.ErrUnknownMatch) {
				w.fail("after the partition %s says of a match that never was %v", n.name, err)
			}
		}
	})
}

// TestSimFewInDoubt: a match that nobody knows is over, whichever node is in doubt; it may be known elsewhere if most are. Some nodes are asked first
// and the others then: what counts is how many of all of them are in doubt.
func TestSimFewInDoubt(t *testing.T) {
	simulate(t, *simSeed, func(w *simWorld) {
		w.grow(5)
		time.Sleep(2 * freshFor)
		asker, others := w.alive()[0], w.alive()[1:]
		for _, c := range []struct {
			doubting int // of four
			want     error
		}{{0, admin.ErrNotFound}, {1, admin.ErrNotFound}, {2, admin.ErrNotFound}, {3, admin.ErrUnreachable}, {4, admin.ErrUnreachable}} {
			for i, n := range others {
				were := map[string]time.Time{}
				if i < c.doubting {
					for x := range 12 {
						were[strconv.Itoa(x)] = time.Now()
					}
				}
				n.mu.Lock()
				n.doubt = doubt{were: were, at: time.Now()}
				n.mu.Unlock()
			}
			for i := range 20 { // each has another node asked last
				if _, err := asker.find(context.Background(), "mnosuchmatch"+strconv.Itoa(i)); !errors.Is(err, c.want) {
					w.fail("%d of 4 are in doubt: %v, want %v", c.doubting, err, c.want)
				}
			}
		}
	})
}
