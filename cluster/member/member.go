package member

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

// Errors of Members.
var (
	ErrTooLong = errors.New("the message or its name is too long to be gossiped")
	ErrClosed  = errors.New("the member is closed")
)

// Members is this node's part in the cluster. All methods may be called from any goroutine, but Close and Leave not from
// a callback.
type Members struct {
	cfg   Config
	log   *slog.Logger
	meta  []byte // encoded
	list  *memberlist.Memberlist
	ring  *memberlist.Keyring
	addr  string // IP:PORT that others use
	bound string // IP:PORT that the sockets have; "" with a transport that is not ours
	label string // of the counters

	// Shared by memberlist's callbacks, the goroutine of run and callers.
	inbox   *inbox
	origins origins
	queue   *memberlist.TransmitLimitedQueue
	view    atomic.Pointer[View]
	peers   atomic.Pointer[[]*memberlist.Node] // alive in view, without self
	alive   atomic.Int64                       // in view
	joined  atomic.Bool
	strange atomic.Bool   // there are nodes that memberlist does not know: ask others
	doubts  chan struct{} // has one when this node was suspected
	count   counters

	// Own sequence numbers, from 1.
	directSeq, gossipSeq atomic.Uint64

	loadMu  sync.Mutex // guards all below up to the next group
	load    Load
	loadSet bool
	urgent  chan struct{} // has one when Draining changed

	// Only the goroutine of run.
	roster   *roster
	loadSeq  uint64    // of what was last published
	loadSent Load      //
	loadAt   time.Time // published
	loadDue  time.Time // when changed loads of others are put into a view; zero: none
	sweptAt  time.Time

	calls   sync.RWMutex // held to call Config.State; guards stopped
	stopped bool

	keyMu sync.Mutex // one SetKeys at a time

	leaveMu sync.Mutex // one Leave, and Close waits for it
	left    atomic.Bool

	ctx    context.Context // done when closing
	cancel context.CancelFunc
	wg     sync.WaitGroup // run, seek and affirm
	once   sync.Once      // of Close
}

// instances numbers the members of this process, for the counters.
var instances atomic.Uint64

// Start begins to listen and to join. It returns before any other node has answered: see [Members.Joined]. Callbacks may
// be called before it returns.
func Start(cfg Config) (*Members, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("member: %w", err)
	}
	m := newMembers(cfg)
	ml, err := m.configure()
	if err == nil {
		installSink()
		sinks.Store(m.label, &m.count)
		m.list, err = memberlist.Create(ml)
	}
	if err != nil {
		m.cancel()
		sinks.Delete(m.label)
		if own, ok := ml.Transport.(*sockets); ok {
			err = errors.Join(err, own.Shutdown())
		}
		return nil, fmt.Errorf("member: %w", err)
	}
	m.step(time.Now(), m.inbox.take())
	self, _ := m.View().Node(cfg.ID)
	m.addr = self.Addr
	m.wg.Add(3)
	go m.run()
	go m.seek()
	go m.affirm()
	return m, nil
}

// newMembers fills in what needs no network.
func newMembers(cfg Config) *Members {
	m := &Members{cfg: cfg, log: cfg.Log, inbox: newInbox(), urgent: make(chan struct{}, 1), roster: newRoster(cfg.ID)}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if m.cfg.Resolve == nil {
		m.cfg.Resolve = net.DefaultResolver.LookupHost
	}
	m.label = strconv.FormatUint(instances.Add(1), 10)
	m.origins.by = map[string]*origin{}
	m.meta, _ = cfg.Meta.encode() // was validated
	m.queue = &memberlist.TransmitLimitedQueue{NumNodes: m.reach, RetransmitMult: retransmits}
	m.queue.QueueBroadcast(anchor{})
	m.doubts = make(chan struct{}, 1)
	m.view.Store(&View{Self: cfg.ID})
	m.peers.Store(&[]*memberlist.Node{})
	m.ctx, m.cancel = context.WithCancel(context.Background())
	return m
}

// View returns the newest view.
func (m *Members) View() View { return *m.view.Load() }

// Addr returns the IP:PORT at which others reach this node.
func (m *Members) Addr() string { return m.addr }

// Listens returns the IP:PORT of this node's own sockets, which others may reach at another: that of Addr. With a transport of the
// caller it is Addr.
func (m *Members) Listens() string {
	if m.bound == "" {
		return m.addr
	}
	return m.bound
}

// Joined reports whether the node has found the cluster: somebody answered, or there is nobody to ask.
func (m *Members) Joined() bool { return m.joined.Load() }

// SetLoad says how busy this node is. It costs nothing to call often: what changed is gossiped every 1 s, in clusters of
// more than 15 nodes every N/15 s; a change of Draining goes out at once.
func (m *Members) SetLoad(l Load) {
	m.loadMu.Lock()
	hurry := l.Draining != m.load.Draining
	m.load, m.loadSet = l, true
	m.loadMu.Unlock()
	if hurry {
		select {
		case m.urgent <- struct{}{}:
		default:
		}
	}
}

// SendAll sends b to every node that is alive, in one packet each: milliseconds to all, but some may not get it, and
// messages may overtake each other. ErrTooLong above MaxMessage.
func (m *Members) SendAll(b []byte) error {
	if len(b) > MaxMessage {
		return ErrTooLong
	}
	if m.ctx.Err() != nil {
		return ErrClosed
	}
	e := envelope{kind: kindDirect, from: m.cfg.ID, seq: m.directSeq.Add(1), body: b}
	m.direct(e.append(nil))
	return nil
}

// Gossip spreads b from node to node: slower than SendAll (hundreds of milliseconds at 100 nodes) and scarce (about 100
// messages a second in the whole cluster), but nearly certain. A newer message of the same name of this node replaces an
// older one that still waits. ErrTooLong above MaxMessage or MaxName.
func (m *Members) Gossip(name string, b []byte) error {
	if len(b) > MaxMessage || len(name) > MaxName {
		return ErrTooLong
	}
	if m.ctx.Err() != nil {
		return ErrClosed
	}
	e := envelope{kind: kindGossip, from: m.cfg.ID, seq: m.gossipSeq.Add(1), name: name, body: b}
	m.count.gossipOut.Add(1)
	m.spread(&e, e.append(nil))
	return nil
}

// Close stops everything without a word to the others and waits for it. No callback runs after it returned.
func (m *Members) Close() {
	m.once.Do(func() {
		m.cancel()
		m.leaveMu.Lock() // memberlist must not be told to leave after this
		defer m.leaveMu.Unlock()
		if err := m.list.Shutdown(); err != nil {
			m.log.Warn("gossip did not stop cleanly", "err", err)
		}
		m.wg.Wait()
		m.calls.Lock()
		m.stopped = true
		m.calls.Unlock()
		sinks.Delete(m.label)
	})
}

// Stats returns the counters.
func (m *Members) Stats() Stats {
	s := m.count.stats()
	s.GossipQueue = m.waiting()
	for _, n := range m.View().Nodes {
		switch n.State {
		case Alive:
			s.Alive++
		case Left:
			s.Left++
		case Dead:
			s.Dead++
		}
	}
	return s
}
