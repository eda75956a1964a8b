package guard

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// sim is a cluster around one match in virtual time, in steps of one millisecond: real guards, links that break and are
// dialled anew, a journal that is carried along, and a check of everything that a player could see.
type sim struct {
	t     *testing.T
	rng   *rand.Rand
	now   int64
	nodes []*simNode
	links map[[2]int]*simLink // i < j
	wire  []packet            // in order of arrival, in order within a link
	trace []string

	lists map[uint32]List // decided, by epoch
	shown []uint64        // state hash per index that a player may have seen; 0: not yet
	last  int64           // when something was released last
	gaps  int64           // the longest time without a release
	fails int             // ActFail
	drops map[Why]int     // ActDrop, ActStop
	owns  []int64         // times of ActOwn
	moves map[ActionKind]int
}

type simNode struct {
	s       *sim
	i       int
	id      string
	cfg     Config
	g       *Guard
	book    Book
	dead    bool
	paused  bool
	log     []uint64 // state hash after each entry
	runs    bool     // is stepping
	stopAt  uint32   // freeze: no entry after this, 0: none
	fed     map[int]bool
	tenure  uint32
	pending []func()
	offer   int64 // when to answer ActNeed
	need    Action
	banned  map[string]bool // drained: not offered
	unable  bool            // refuses the journal
	epochs  uint32
}

type simLink struct {
	up         bool
	gen        int      // of the connection: what was under way on an older one is lost
	heard      [2]int64 // by the end with the lower number, by the other
	redial     int64
	cut        [2]bool // from the lower to the higher, back
	lastArrive [2]int64
}

type packet struct {
	at       int64
	from, to int
	gen      int
	body     []byte   // of a guard
	journal  []uint64 // else: a feed from index start
	start    uint32
	tenure   uint32
	snapshot bool
}

const simTick = 33

func newSim(t *testing.T, seed uint64, n int, cfg Config) *sim {
	s := &sim{t: t, rng: rand.New(rand.NewPCG(seed, 1)), links: map[[2]int]*simLink{}, lists: map[uint32]List{}, drops: map[Why]int{},
		moves: map[ActionKind]int{}}
	for i := range n {
		c := cfg
		c.Self, c.Match, c.Seed = fmt.Sprintf("n%d", i), "m", seed*31+uint64(i)
		s.nodes = append(s.nodes, &simNode{s: s, i: i, id: c.Self, cfg: c, fed: map[int]bool{}, banned: map[string]bool{}})
		for j := range i {
			s.links[[2]int{j, i}] = &simLink{up: true}
		}
	}
	o := s.nodes[0]
	g, err := Birth(o.cfg, 0)
	if err != nil {
		t.Fatal(err)
	}
	o.g, o.runs = g, true
	o.act()
	return s
}

func (s *sim) logf(format string, a ...any) {
	s.trace = append(s.trace, fmt.Sprintf("%6d ", s.now)+fmt.Sprintf(format, a...))
}

func (s *sim) fatalf(format string, a ...any) {
	s.t.Helper()
	from := max(0, len(s.trace)-120)
	s.t.Fatalf("%s\n%s", fmt.Sprintf(format, a...), strings.Join(s.trace[from:], "\n"))
}

func (s *sim) link(a, b int) (*simLink, int) {
	if a < b {
		return s.links[[2]int{a, b}], 0
	}
	return s.links[[2]int{b, a}], 1
}

// open says whether bytes get from a to b.
func (s *sim) open(a, b int) bool {
	l, d := s.link(a, b)
	return !l.cut[d] && !s.nodes[a].dead && !s.nodes[b].dead && !s.nodes[a].paused
}

func (s *sim) send(p packet) {
	l, d := s.link(p.from, p.to)
	if !l.up || !s.open(p.from, p.to) {
		return
	}
	p.gen = l.gen
	p.at = max(l.lastArrive[d], s.now+1+s.rng.Int64N(2))
	if p.snapshot {
		p.at += 5
	}
	l.lastArrive[d] = p.at
	s.wire = append(s.wire, p)
}

// run advances the cluster by ms.
func (s *sim) run(ms int64) {
	s.t.Helper()
	for end := s.now + ms; s.now < end; {
		s.now++
		s.deliver()
		s.beat()
		for _, n := range s.nodes {
			n.live()
		}
		if g := s.now - s.last; g > s.gaps {
			s.gaps = g
		}
	}
}

func (s *sim) deliver() {
	var rest []packet
	due := s.wire
	s.wire = nil
	for _, p := range due {
		l, _ := s.link(p.from, p.to)
		switch n := s.nodes[p.to]; {
		case p.gen != l.gen || n.dead:
		case p.at > s.now || n.paused:
			rest = append(rest, p)
		default:
			n.receive(p)
		}
	}
	s.wire = append(rest, s.wire...)
}

// beat runs heartbeats, silence and redialling of every link.
func (s *sim) beat() {
	for i := range s.nodes {
		for j := i + 1; j < len(s.nodes); j++ {
			l, _ := s.link(i, j)
			if s.open(i, j) && s.now%50 == 0 {
				l.heard[1] = s.now
			}
			if s.open(j, i) && s.now%50 == 0 {
				l.heard[0] = s.now
			}
			if l.up {
				for end, n := range []int{i, j} {
					if s.now-l.heard[end] > 300 && !s.nodes[n].paused && !s.nodes[n].dead {
						s.break_(i, j, n, Silence)
						break
					}
				}
			} else if s.now >= l.redial && s.open(i, j) && s.open(j, i) {
				l.up, l.gen, l.heard = true, l.gen+1, [2]int64{s.now, s.now}
				s.nodes[i].up(j)
				s.nodes[j].up(i)
			}
		}
	}
}

// break_ ends the connection between i and j: n notices for the reason given, the other by EOF, where that can arrive.
func (s *sim) break_(i, j, n int, why Loss) {
	l, _ := s.link(i, j)
	if !l.up {
		return
	}
	l.up, l.redial = false, s.now+100
	l.gen++
	other := i + j - n
	s.nodes[n].down(other, why)
	if s.open(n, other) {
		s.nodes[other].down(n, EOF)
	} else {
		s.nodes[other].down(n, Silence)
	}
}

func (s *sim) kill(i int) {
	n := s.nodes[i]
	s.logf("KILL %s", n.id)
	n.dead = true
	for _, m := range s.nodes {
		if l, _ := s.link2(i, m.i); l != nil && l.up {
			l.up = false
			l.gen++
			if !m.dead {
				m.down(i, EOF)
				m.down(i, Gone)
			}
		}
	}
}

func (s *sim) link2(a, b int) (*simLink, int) {
	if a == b {
		return nil, 0
	}
	return s.link(a, b)
}

// vanish is the loss of a host: silence.
func (s *sim) vanish(i int) {
	s.logf("VANISH %s", s.nodes[i].id)
	s.nodes[i].dead = true
}

func (s *sim) cut(a, b int, on bool) {
	s.logf("CUT n%d n%d %v", a, b, on)
	l, _ := s.link(a, b)
	l.cut = [2]bool{on, on}
}

func (s *sim) pause(i int, on bool) {
	s.logf("PAUSE n%d %v", i, on)
	n := s.nodes[i]
	n.paused = on
	if !on {
		todo := n.pending
		n.pending = nil
		for _, f := range todo {
			f()
		}
	}
}

func (n *simNode) peer(i int) string { return n.s.nodes[i].id }

func (n *simNode) index(id string) int {
	return slices.IndexFunc(n.s.nodes, func(m *simNode) bool { return m.id == id })
}

// later runs f now, or when the pause is over.
func (n *simNode) later(f func()) {
	if n.paused {
		n.pending = append(n.pending, f)
	} else if !n.dead {
		f()
	}
}

func (n *simNode) up(peer int) {
	n.later(func() {
		if n.g != nil && slices.Contains(n.g.Peers(nil), n.peer(peer)) {
			n.g.Up(n.s.now, n.peer(peer))
			n.act()
		}
	})
}

func (n *simNode) down(peer int, why Loss) {
	n.later(func() {
		delete(n.fed, peer)
		if n.g != nil && slices.Contains(n.g.Peers(nil), n.peer(peer)) {
			n.g.Down(n.s.now, n.peer(peer), why)
			n.act()
		}
	})
}

// live is a millisecond of a node: timers, a tick of the match, a late answer to ActNeed.
func (n *simNode) live() {
	if n.dead || n.paused || n.g == nil {
		return
	}
	now := n.s.now
	if n.g.Deadline() <= now {
		n.g.Tick(now)
		n.act()
	}
	if n.offer != 0 && now >= n.offer {
		n.offer = 0
		n.answerNeed()
	}
	if n.runs && now%simTick == 0 && (n.stopAt == 0 || uint32(len(n.log)) < n.stopAt) {
		n.step()
	}
	if n.g.Done(now) {
		n.book.Put("m", n.g.List(), now+600_000)
		n.g = nil
	}
}

func (n *simNode) step() {
	h := uint64(14695981039346656037)
	if len(n.log) > 0 {
		h = n.log[len(n.log)-1]
	}
	h = (h ^ n.s.rng.Uint64N(4) ^ uint64(n.i)<<32) * 1099511628211 // an input that only this node knows
	n.log = append(n.log, h)
	n.journal(len(n.log) - 1)
	n.g.Logged(n.s.now, uint32(len(n.log)))
	n.act()
	if n.stopAt != 0 && uint32(len(n.log)) == n.stopAt {
		n.g.Frozen(n.s.now, n.stopAt)
		n.act()
	}
}

func (n *simNode) journal(from int) {
	for _, m := range n.s.nodes {
		if n.fed[m.i] {
			n.s.send(packet{from: n.i, to: m.i, journal: slices.Clone(n.log[from:]), start: uint32(from), tenure: n.tenureOf()})
		}
	}
}

func (n *simNode) tenureOf() uint32 { return n.g.tenure }
