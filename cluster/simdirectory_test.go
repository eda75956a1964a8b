package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/cluster/directory"
	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/cluster/simnet"
)

// scribe is a node's membership and directory, without links: differences are pulled by a function call.
type scribe struct {
	*Node
	host *simnet.Host
	all  *scribes
}

// scribes are many of them, and when each learned which match.
type scribes struct {
	t    *testing.T
	net  *simnet.Net
	list []*scribe
	byID map[string]*scribe
	stop chan struct{}
	work sync.WaitGroup

	mu    sync.Mutex // guards the following
	known map[string]map[string]time.Time
}

func newScribes(t *testing.T, count int) *scribes {
	s := &scribes{t: t, net: simnet.New(1), byID: map[string]*scribe{}, stop: make(chan struct{}), known: map[string]map[string]time.Time{}}
	s.net.Latency(simnet.Between(200*time.Microsecond, time.Millisecond))
	for i := range count {
		x := &scribe{host: s.net.Host(fmt.Sprint("h", i)), all: s, Node: &Node{
			cfg: Config{Log: slog.New(slog.DiscardHandler)}, id: newID("n"), began: time.Now(), matches: newRegister(),
			duties: duties{all: map[string]*duty{}, held: map[string]time.Time{}},
		}}
		x.dir = directory.New(x.id)
		x.wake, x.pulls, x.known = make(chan struct{}, 1), map[string]string{}, map[string]byte{}
		cfg := member.Config{
			ID: x.id, Label: "overtime", Keys: [][]byte{make([]byte, 32)}, Meta: member.Meta{Wire: Wire}, Transport: x.host.Transport(),
			Resolve: s.net.Resolve, Message: x.take, State: x.pushPull, Merge: x.merge, Change: x.viewChanged,
		}
		for j := range min(i, 3) {
			cfg.Join = append(cfg.Join, s.list[j].host.Addr(simnet.GossipPort))
		}
		m, err := member.Start(cfg)
		if err != nil {
			t.Fatal(err)
		}
		x.members = m
		s.list, s.byID[x.id] = append(s.list, x), x
	}
	for _, x := range s.list {
		s.work.Go(x.tend)
	}
	return s
}

// take is heard, and notes when.
func (x *scribe) take(from string, b []byte) {
	x.heard(from, b)
	if recs, err := directory.Parse(b); err == nil {
		x.note(recs)
	}
}

func (x *scribe) note(recs []directory.Record) {
	x.all.mu.Lock()
	defer x.all.mu.Unlock()
	for _, r := range recs {
		if k := x.all.known[r.Match]; k != nil && k[x.id].IsZero() {
			k[x.id] = time.Now()
		}
	}
}

// tend pulls what digests show to differ.
func (x *scribe) tend() {
	for {
		select {
		case <-x.all.stop:
			return
		case <-x.wake:
		}
		x.judge()
		x.mu.Lock()
		pulls := x.pulls
		x.pulls = map[string]string{}
		x.mu.Unlock()
		for owner, from := range pulls {
			got, _ := x.all.byID[from].giveRecords(context.Background(), x.id, askRecords{[]string{owner}})
			time.Sleep(2 * time.Millisecond)
			x.take(from, got.Records)
		}
	}
}

// write makes the record of a new match at a node.
func (s *scribes) write(x *scribe, match string) directory.Record {
	r := x.dir.Put(time.Now(), directory.Record{Match: match, Epoch: 1})
	s.mu.Lock()
	s.known[match] = map[string]time.Time{x.id: time.Now()}
	s.mu.Unlock()
	return r
}

// missing counts the nodes that do not know a match.
func (s *scribes) missing(matches []string) (n int) {
	for _, x := range s.list {
		for _, m := range matches {
			if _, ok := x.dir.Get(m); !ok {
				n++
			}
		}
	}
	return n
}

// measure writes records one after the other, spread by a function, and returns how long it took until a node knew one.
func (s *scribes) measure(name string, count int, spread func(x *scribe, r directory.Record)) (p99, most time.Duration, matches []string) {
	var took []time.Duration
	for i := range count {
		x := s.list[i*7%len(s.list)]
		match := fmt.Sprintf("m%s%d", name, i)
		matches = append(matches, match)
		begin := time.Now()
		spread(x, s.write(x, match))
		time.Sleep(700 * time.Millisecond)
		s.mu.Lock()
		for _, at := range s.known[match] {
			took = append(took, at.Sub(begin))
		}
		s.mu.Unlock()
	}
	slices.Sort(took)
	p99, most = took[len(took)*99/100], took[len(took)-1]
	s.t.Logf("%s: %d changes, known to %d of %d pairs, p50 %v, p99 %v, max %v", name, count, len(took), count*len(s.list), took[len(took)/2], p99, most)
	return p99, most, matches
}

// TestSimDirectory: at 100 nodes (with -simseeds, else 50) a change is known everywhere at once, soon if all direct messages are lost, and always after a round of
// push/pull.
func TestSimDirectory(t *testing.T) {
	nodes, changes := 50, 8
	if *simSeeds > 0 {
		nodes, changes = 100, 20
	}
	synctest.Test(t, func(t *testing.T) {
		s := newScribes(t, nodes)
		defer func() {
			close(s.stop)
			s.work.Wait()
			for _, x := range s.list {
				x.members.Close()
			}
			time.Sleep(20 * time.Second)
		}()
		time.Sleep(5 * time.Second)
		for _, x := range s.list {
			if len(x.others()) != len(s.list)-1 {
				t.Fatalf("%s knows %d nodes", x.id, len(x.others()))
			}
		}
		direct := func(x *scribe, r directory.Record) { x.spread(r) }
		gossip := func(x *scribe, r directory.Record) {
			if err := x.members.Gossip(gossipName(r.Match), directory.Append(nil, r)); err != nil {
				t.Error(err)
			}
		}
		if p99, _, _ := s.measure("direct", changes, direct); p99 > 50*time.Millisecond {
			t.Errorf("p99 %v, want at most 50 ms", p99)
		}
		if p99, _, _ := s.measure("gossip", changes, gossip); p99 > 300*time.Millisecond {
			t.Errorf("p99 %v with all direct messages lost, want at most 300 ms", p99)
		}
		s.net.Loss(0.3)
		_, _, matches := s.measure("loss", changes, gossip)
		s.net.Loss(0)
		before := s.missing(matches)
		time.Sleep(35 * time.Second) // push/pull comes to every node of 100 within 30 s
		t.Logf("30 %% loss and no direct messages: %d of %d pairs missing, %d after a round of push/pull", before, len(matches)*len(s.list), s.missing(matches))
		if left := s.missing(matches); left > 0 {
			t.Errorf("%d pairs of change and node are still missing", left)
		}
	})
}
