package place

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// sim is a burst of requests over nodes that answer from their true load. Each request runs its own Search on a view from
// before the burst, and every question reaches its node at a moment of its own: concurrent searches interleave at random.
type sim struct {
	rand     *rand.Rand
	view     []Node         // gossiped before the burst
	load     map[string]int // true: matches and places held
	capacity map[string]int
	asked    int // questions
	placed   map[string]string
}

func newSim(seed uint64, nodes []Node) *sim {
	s := &sim{rand: rand.New(rand.NewPCG(seed, 1)), view: nodes, load: map[string]int{}, capacity: map[string]int{}, placed: map[string]string{}}
	for _, n := range nodes {
		s.load[n.ID] = n.Matches
		s.capacity[n.ID] = n.Matches + n.Free
	}
	return s
}

// answer is what a node says to one question at this moment.
func (s *sim) answer(a Ask) Reservation {
	s.asked++
	r := Reservation{Node: a.Node, Load: float64(s.load[a.Node])}
	switch {
	case s.load[a.Node] >= s.capacity[a.Node]:
		r.Status = Refused
	case a.Hold && r.Load > a.Limit:
		r.Status = Risen
	case a.Hold:
		r.Status = Held
		s.load[a.Node]++
	}
	return r
}

// run places matches, at most concurrent at a time, and returns how many found no place.
func (s *sim) run(matches, concurrent int, start func(match string) *Search) (failed int) {
	type request struct {
		match  string
		search *Search
		asks   []Ask
	}
	var open []*request
	for next := 0; next < matches || len(open) > 0; {
		for next < matches && len(open) < concurrent {
			m := fmt.Sprintf("m%d-%d", next, s.rand.Uint32())
			open = append(open, &request{match: m, search: start(m)})
			next++
		}
		i := s.rand.IntN(len(open))
		r := open[i]
		if len(r.asks) == 0 {
			if r.asks = r.search.Next(); r.asks == nil {
				node, ok := r.search.Winner()
				if !ok {
					failed++
				} else {
					s.placed[r.match] = node
				}
				open = append(open[:i], open[i+1:]...)
				continue
			}
		}
		k := s.rand.IntN(len(r.asks)) // questions of a round travel apart
		a := r.asks[k]
		r.asks = append(r.asks[:k], r.asks[k+1:]...)
		r.search.Answer(s.answer(a))
	}
	return failed
}

// spread returns max over mean of the true load of some nodes.
func (s *sim) spread(of func(Node) bool) float64 {
	most, sum, n := 0, 0, 0
	for _, v := range s.view {
		if of(v) {
			most, sum, n = max(most, s.load[v.ID]), sum+s.load[v.ID], n+1
		}
	}
	return float64(most) * float64(n) / float64(sum)
}

func everybody(Node) bool { return true }

func cluster(n int, regions ...string) []Node {
	nodes := make([]Node, n)
	for i := range nodes {
		nodes[i] = Node{ID: fmt.Sprintf("n%d", i), Region: regions[i%len(regions)], Zone: fmt.Sprint(i / len(regions) % 3), Free: 1000}
	}
	return nodes
}

func (s *sim) host(t *testing.T, region string) func(match string) *Search {
	return func(match string) *Search {
		ids, err := Candidates(s.view, match, region)
		if err != nil {
			t.Fatal(err)
		}
		return NewSearch(ids)
	}
}

// Ten matches per node, and twenty where nodes are few, end at most 1.10 times the mean on the fullest, one after another and
// many at once.
func TestBurstIsEven(t *testing.T) {
	for _, c := range []struct{ nodes, each, seeds int }{
		{1, 10, 2}, {2, 10, 30}, {3, 10, 100}, {3, 20, 100}, {5, 10, 60}, {8, 10, 30}, {9, 10, 40}, {20, 10, 20}, {100, 10, 5},
	} {
		for _, concurrent := range []int{1, 8, 64} {
			worst, asked := 0.0, 0
			for seed := range c.seeds {
				s := newSim(uint64(seed), cluster(c.nodes, "eu"))
				if failed := s.run(c.nodes*c.each, concurrent, s.host(t, "eu")); failed > 0 {
					t.Fatalf("%d nodes, seed %d: %d found no place", c.nodes, seed, failed)
				}
				if got := s.spread(everybody); got > 1.10 {
					t.Errorf("%d nodes, %d each, %d at once, seed %d: max/mean %.3f", c.nodes, c.each, concurrent, seed, got)
				}
				worst, asked = max(worst, s.spread(everybody)), asked+s.asked
			}
			t.Logf("%3d nodes, %d each, %2d at once: worst max/mean %.3f, %.1f questions a match", c.nodes, c.each, concurrent, worst,
				float64(asked)/float64(c.seeds*c.nodes*c.each))
		}
	}
}

func TestBurstInRegions(t *testing.T) {
	for seed := range uint64(30) {
		s := newSim(seed, cluster(24, "eu", "us", "ap"))
		for _, region := range []string{"eu", "us", "ap"} {
			s.run(80, 16, s.host(t, region))
			in := func(n Node) bool { return n.Region == region }
			if got := s.spread(in); got > 1.10 {
				t.Errorf("seed %d, %s: max/mean %.3f", seed, region, got)
			}
		}
		for m, node := range s.placed {
			if find(s.view, node).ID == "" {
				t.Errorf("%s at %q", m, node)
			}
		}
	}
}

// Nodes whose places ran out since the view was made are passed over; when all are full the search says so, and never
// does a node take more than it has.
func TestBurstFillsToTheLastPlace(t *testing.T) {
	for seed := range uint64(50) {
		nodes := cluster(20, "eu")
		total := 0
		for i := range nodes {
			nodes[i].Free = 1 + i%4
			total += nodes[i].Free
		}
		s := newSim(seed, nodes)
		if failed := s.run(total+7, 16, s.host(t, "eu")); failed != 7 {
			t.Fatalf("seed %d: %d failed, want 7 of %d", seed, failed, total+7)
		}
	}
}

// Standby duty of ten matches per node is at most 1.25 times the mean, and always in another zone while there is one.
func TestStandbyDutyIsEven(t *testing.T) {
	for _, n := range []int{3, 5, 6, 20, 100} {
		nodes := cluster(n, "eu")
		if n%3 != 0 { // zones of unequal size cannot be both apart and even
			for i := range nodes {
				nodes[i].Zone = ""
			}
		}
		for seed := range uint64(max(100/n, 3)) {
			hosts := newSim(seed, nodes)
			hosts.run(10*n, 16, hosts.host(t, "eu"))
			var owners []string
			for _, match := range slices.Sorted(maps.Keys(hosts.placed)) {
				owners = append(owners, hosts.placed[match])
			}
			duty := newSim(seed+1000, nodes)
			k := 0
			owner := map[string]string{}
			duty.run(len(owners), 16, func(match string) *Search {
				owner[match] = owners[k]
				k++
				far, near := Standbys(nodes, owner[match], match)
				return NewSearch(far, near)
			})
			if got := duty.spread(everybody); got > 1.25 {
				t.Errorf("%d nodes, seed %d: max/mean of duty %.3f", n, seed, got)
			}
			for match, standby := range duty.placed {
				o, s := find(nodes, owner[match]), find(nodes, standby)
				if o.ID == s.ID || o.Zone != "" && o.Zone == s.Zone {
					t.Fatalf("%+v stands by for %+v", s, o)
				}
			}
		}
	}
}
