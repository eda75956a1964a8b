package member

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// told is what memberlist says of a node.
func told(t *testing.T, id string, alive bool) change {
	t.Helper()
	meta := Meta{Wire: 1, Region: "of " + id}
	b, err := meta.encode()
	if err != nil {
		t.Fatal(err)
	}
	return change{memberlist.Node{Name: id, Addr: net.IPv4(10, 0, 0, 1), Port: 7946, Meta: b}, alive}
}

func TestRosterLifeOfANode(t *testing.T) {
	r := newRoster("self")
	r.node(noon, told(t, "self", true))
	state := func() string {
		v, _ := r.view()
		n, ok := v.Node("n1")
		if !ok {
			return "unknown"
		}
		return fmt.Sprint(n.State, " since ", n.Since.Sub(noon), " load ", n.Load.Players)
	}
	for i, step := range []struct {
		at   int // seconds
		do   func(now time.Time)
		want string
	}{
		{0, func(now time.Time) { r.load(now, nodeLoad{"n1", 4, Load{Players: 4}}) }, "unknown"}, // a load was faster
		{1, func(now time.Time) { r.node(now, told(t, "n1", true)) }, "alive since 1s load 4"},
		{2, func(now time.Time) { r.load(now, nodeLoad{"n1", 3, Load{Players: 3}}) }, "alive since 1s load 4"},
		{3, func(now time.Time) { r.node(now, told(t, "n1", false)) }, "dead since 3s load 4"},
		{4, func(now time.Time) { r.node(now, told(t, "n1", true)) }, "alive since 4s load 4"},
		{5, func(now time.Time) { r.node(now, told(t, "n1", false)) }, "dead since 5s load 4"},
		{6, func(now time.Time) { r.leave(now, "n1") }, "left since 6s load 4"}, // the farewell was slower
		{7, func(now time.Time) { r.node(now, told(t, "n1", true)) }, "left since 6s load 4"},
		{8, func(now time.Time) { r.node(now, told(t, "n1", false)) }, "left since 6s load 4"},
		{65, func(time.Time) {}, "left since 6s load 4"},
		{66, func(time.Time) {}, "unknown"},
	} {
		now := noon.Add(time.Duration(step.at) * time.Second)
		step.do(now)
		r.settle(now)
		if got := state(); got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
	}
	if v, peers := r.view(); len(v.Nodes) != 1 || len(peers) != 0 {
		t.Errorf("%d nodes, %d peers stay", len(v.Nodes), len(peers))
	}
}

func TestRosterIsBounded(t *testing.T) {
	r := newRoster("self")
	for i := range maxOrigins + 10 {
		r.load(noon, nodeLoad{fmt.Sprint(i), 1, Load{Players: 1}})
		r.leave(noon, fmt.Sprint("x", i))
	}
	if len(r.nodes) != maxOrigins {
		t.Errorf("%d unknown nodes are remembered", len(r.nodes))
	}
	r.settle(noon.Add(forgetAfter))
	if len(r.nodes) != 0 {
		t.Errorf("%d unknown nodes are never forgotten", len(r.nodes))
	}
}

func TestViewIsSortedAndFound(t *testing.T) {
	r := newRoster("c")
	for _, id := range []string{"e", "a", "c", "b", "d"} {
		r.node(noon, told(t, id, id != "b"))
	}
	events, _ := r.settle(noon)
	v, peers := r.view()
	var ids []string
	for _, n := range v.Nodes {
		ids = append(ids, n.ID)
	}
	if !slices.Equal(ids, []string{"a", "b", "c", "d", "e"}) || len(events) != 5 || len(peers) != 3 || v.Alive() != 4 {
		t.Errorf("%v, %d events, %d peers, %d alive", ids, len(events), len(peers), v.Alive())
	}
	if n, ok := v.Node("d"); !ok || n.Meta.Region != "of d" || n.Addr != "10.0.0.1:7946" {
		t.Errorf("%+v", n)
	}
	if _, ok := v.Node("f"); ok {
		t.Error("found nobody")
	}
}

func TestSeekerRemembersLostAddresses(t *testing.T) {
	s := &seeker{self: "me", seeds: []string{"seed1", "seed2"}, seen: map[string]time.Time{}}
	view := func(states map[string]State, since time.Time) View {
		v := View{Nodes: []Node{{ID: "me", Addr: "me"}}}
		for a, st := range states {
			v.Nodes = append(v.Nodes, Node{ID: a, Addr: a, State: st, Since: since})
		}
		return v
	}
	for i, step := range []struct {
		at   time.Duration
		view View
		want []string
	}{
		{0, view(map[string]State{"seed1": Alive, "a": Alive, "b": Alive, "c": Alive}, noon), []string{"seed2"}},
		{time.Minute, view(map[string]State{"seed1": Alive, "a": Dead, "b": Left, "c": Alive}, noon.Add(time.Minute)), []string{"a", "seed2"}},
		{2 * time.Minute, view(nil, noon), []string{"a", "c", "seed1", "seed2"}},
		{24 * time.Hour, view(nil, noon), []string{"a", "c", "seed1", "seed2"}},
		{24*time.Hour + 30*time.Second, view(nil, noon), []string{"c", "seed1", "seed2"}},
		{25 * time.Hour, view(nil, noon), []string{"seed1", "seed2"}},
	} {
		s.look(noon.Add(step.at), step.view)
		if got := s.lost(step.view); !slices.Equal(got, step.want) {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
	many := map[string]State{}
	for i := range maxSeen + 50 {
		many[fmt.Sprint("x", i)] = Alive
	}
	if s.look(noon, view(many, noon)); len(s.seen) != maxSeen {
		t.Errorf("%d addresses are remembered", len(s.seen))
	}
}
