package cluster

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/cluster/simnet"
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode"
	"github.com/overtime-server/overtime/netcode/token"
)

var (
	simSeed  = flag.Uint64("simseed", 1, "first seed of the simulations of whole nodes")
	simSeeds = flag.Uint64("simseeds", 0, "number of seeds to simulate, one after the other; 0 is a few")
	simLogs  = flag.String("simlogs", "", "directory for the nodes' logs of simulations that fail")
)

// simNode is a node on a host of the simulated network.
type simNode struct {
	*Node
	name string
	host *simnet.Host

	dead    bool // killed
	stopped bool // stopped in peace
	paused  bool
}

// simMatch is a match and who plays it.
type simMatch struct {
	id      string
	seed    uint64
	players []*simPlayer
	asked   bool // an operator asked for its end
}

// simWorld is a cluster in virtual time.
type simWorld struct {
	t      *testing.T
	seed   uint64
	rng    *rand.Rand // of the schedule
	net    *simnet.Net
	book   *ledgerBook
	secret string
	keys   *token.Keyring
	start  time.Time
	change func(*Config)
	plans  []simFault // what operators do besides
	exact  bool
	quiet  sync.WaitGroup // killed nodes whose goroutines are ended

	players []*simPlayer
	matches []*simMatch
	started int
	misled  int // players who were told that a match is over that goes on
	waiting int // players of lost matches of which too few nodes are left to tell that they are

	mu    sync.Mutex // guards the following
	nodes []*simNode // all that ever were
	log   bytes.Buffer
	wrong []string
}

// simulate runs f on a new world in virtual time. What failed is printed with the schedule and how to run it again.
func simulate(t *testing.T, seed uint64, f func(w *simWorld)) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		key := token.GenerateKey()
		keys, err := token.NewKeyring([]token.Key{key})
		if err != nil {
			t.Fatal(err)
		}
		w := &simWorld{t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 0)), net: simnet.New(seed), book: newLedgerBook(), keys: keys,
			secret: filepath.Join(dir, "secret"), start: time.Now(), exact: true}
		if err := os.WriteFile(w.secret, []byte(key.Line()), 0o600); err != nil {
			t.Fatal(err)
		}
		w.net.Latency(simnet.Between(200*time.Microsecond, 2*time.Millisecond))
		defer w.close()
		f(w)
	})
}

// fork returns a generator of its own for a goroutine.
func (w *simWorld) fork() *rand.Rand { return rand.New(rand.NewPCG(w.rng.Uint64(), 0)) }

// clock is the virtual time since the start.
func (w *simWorld) clock() string { return fmt.Sprintf("%.3fs", time.Since(w.start).Seconds()) }

// fail notes what is wrong.
func (w *simWorld) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.wrong) < 50 {
		w.wrong = append(w.wrong, w.clock()+" "+fmt.Sprintf(format, args...))
	}
}

// Write takes the nodes' logs.
func (w *simWorld) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(b)
}

// logger logs in virtual time.
func (w *simWorld) logger(name string) *slog.Logger {
	level := slog.LevelInfo
	if os.Getenv("SIM_DEBUG") != "" {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			a.Value = slog.StringValue(w.clock())
		}
		return a
	}})).With("on", name)
}

// url is where players come to the node, and how it names itself to them.
func (s *simNode) url() string { return "ws://" + s.host.Addr(8080) + playPath }

// add starts a node on a new host.
func (w *simWorld) add() *simNode {
	w.started++
	s := &simNode{name: "n" + strconv.Itoa(w.started)}
	s.host = w.net.Host(s.name)
	cfg := Config{
		Games: []game.Def{ledgerGame(w.book, s.url(), w.exact)}, Listen: s.host.Addr(8080), Admin: s.host.Addr(8081), AdminKey: "key",
		Gossip: s.host.Addr(simnet.GossipPort), Link: s.host.Addr(7947), SecretFile: w.secret, EmptyAfter: time.Hour, SeatHold: 10 * time.Minute,
		Log: w.logger(s.name),
		net: medium{
			listen: func(_, addr string) (net.Listener, error) {
				_, port, err := net.SplitHostPort(addr)
				if err != nil {
					return nil, err
				}
				p, err := strconv.Atoi(port)
				return s.host.Listen(p), err
			},
			dial:   s.host.Dial,
			gossip: func(c *member.Config) { c.Transport, c.Resolve = s.host.Transport(), w.net.Resolve },
			alarm:  func() *netcode.Alarm { return nil },
		},
	}
	for _, x := range w.alive() {
		cfg.Join = append(cfg.Join, x.host.Addr(simnet.GossipPort))
	}
	if w.change != nil {
		w.change(&cfg)
	}
	var err error
	if s.Node, err = Start(cfg); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.nodes = append(w.nodes, s)
	fmt.Fprintf(&w.log, "%s %s is %s\n", w.clock(), s.name, s.id)
	w.mu.Unlock()
	return s
}

// grow starts a number of nodes and waits until they know each other.
func (w *simWorld) grow(count int) {
	w.t.Helper()
	for range count {
		w.add()
	}
	if !w.eventually(10*time.Second, func() bool { return w.agree() == nil }) {
		w.t.Fatal(w.agree())
	}
}

// agree says which node does not know all others.
func (w *simWorld) agree() error {
	alive := w.alive()
	for _, n := range alive {
		known := n.others()
		if len(known) != len(alive)-1 {
			return fmt.Errorf("%s knows %d other nodes of %d", n.name, len(known), len(alive)-1)
		}
	}
	return nil
}

// alive returns the nodes that were not killed nor stopped, those that stand still included.
func (w *simWorld) alive() (list []*simNode) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.nodes {
		if !n.dead && !n.stopped {
			list = append(list, n)
		}
	}
	return list
}

// anyNode returns one of the nodes that live.
func (w *simWorld) anyNode(rng *rand.Rand) *simNode {
	list := w.alive()
	if len(list) == 0 {
		return nil
	}
	return list[rng.IntN(len(list))]
}

// byID returns a node by its id, "" is none.
func (w *simWorld) byID(id string) *simNode {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.nodes {
		if n.id == id {
			return n
		}
	}
	return nil
}

// eventually waits until something holds; false if it does not in time.
func (w *simWorld) eventually(limit time.Duration, holds func() bool) bool {
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if holds() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// create makes a match through a node, and lets players join it at random nodes.
func (w *simWorld) create(at *simNode, players int) *simMatch {
	w.t.Helper()
	seed := w.seed<<16 | uint64(len(w.matches)+1)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	made, err := operator{at.Node}.CreateMatch(ctx, admin.MatchSpec{Seed: &seed}, "")
	if err != nil {
		w.t.Fatalf("create: %v", err)
	}
	m := &simMatch{id: made.ID, seed: seed}
	w.matches = append(w.matches, m)
	for range players {
		id := "u" + strconv.Itoa(len(w.players)+1)
		signed, err := w.keys.SignPlayer(token.Player{Match: m.id, ID: id, Name: id, Expiry: time.Now().Add(time.Hour)})
		if err != nil {
			w.t.Fatal(err)
		}
		w.enter(m, id, w.anyNode(w.rng).url(), signed)
	}
	return m
}

// kill ends a node as kill -9 does. Its goroutines are ended without a word reaching anybody.
func (w *simWorld) kill(n *simNode) {
	w.mu.Lock()
	n.dead = true
	w.mu.Unlock()
	n.host.Kill()
	w.quiet.Go(func() {
		n.closing.Store(true)
		for _, h := range n.Node.matches.all() {
			h.match.Retire(loop.OverMoved, "killed")
		}
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		_ = n.edge.Shutdown(gone)
		n.Node.matches.wait()
		n.closeAll()
		n.servers.Wait()
	})
}

// stop ends a node in peace.
func (w *simWorld) stop(n *simNode, within time.Duration) {
	w.mu.Lock()
	n.stopped = true
	w.mu.Unlock()
	w.quiet.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			fmt.Fprintf(w, "%s stop of %s: %v\n", w.clock(), n.name, err)
		}
	})
}

// pause stops a node's process as others see it, or lets it go on.
func (w *simWorld) pause(n *simNode, stop bool) {
	w.mu.Lock()
	n.paused = stop
	w.mu.Unlock()
	n.host.Pause(stop)
}

// close ends everything and prints what was wrong.
func (w *simWorld) close() {
	w.net.Loss(0)
	w.net.Heal()
	for _, p := range w.players {
		p.cancel()
	}
	for _, p := range w.players {
		<-p.done
	}
	for _, n := range w.alive() {
		w.pause(n, false)
		w.kill(n)
	}
	w.quiet.Wait()
	time.Sleep(time.Minute) // whatever still has a timer ends
	synctest.Wait()
	if len(w.wrong) == 0 && !w.t.Failed() {
		return
	}
	for _, s := range w.wrong {
		w.t.Error(s)
	}
	w.t.Logf("schedule:\n%s", w.net.Schedule())
	name, _, _ := strings.Cut(w.t.Name(), "/")
	w.t.Logf("once more: go test ./cluster -run '^%s$' -simseed %d -simseeds 1 -simlogs /tmp", name, w.seed)
	if *simLogs != "" {
		file := filepath.Join(*simLogs, fmt.Sprintf("%s-%d.log", name, w.seed))
		if err := os.WriteFile(file, w.log.Bytes(), 0o600); err == nil {
			w.t.Logf("logs: %s", file)
		}
	}
}
