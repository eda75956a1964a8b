package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode"
	"github.com/overtime-server/overtime/netcode/token"
)

// Node is one running node. Its methods may be called from any goroutine.
type Node struct {
	// static after Start
	cfg     Config
	id      string // random, of this process
	began   time.Time
	secrets []token.Key // at the start
	keys    *token.Keyring
	edge    *netcode.Server
	alarm   *netcode.Alarm // nil: none
	api     *admin.Server
	methods map[string]method // what other nodes may call
	life    context.Context   // ends with the node
	end     context.CancelFunc
	stats   map[string]*loop.Stats // by game
	results *resultFile            // locks itself; nil: results are kept in memory only
	hook    *webhook               // locks itself; nil: results are delivered nowhere
	wills   wills                  // locks itself
	drains  drains                 // locks itself
	limiter *admin.Limiter         // locks itself
	tickets *tickets               // locks itself
	seats   *seatBook              // locks itself
	matches *register              // locks itself
	player  *door
	admin   *door
	servers sync.WaitGroup
	failed  chan error    // a listener that broke
	asking  chan struct{} // has room for the questions after matches that may be on their way
	flights flights       // locks itself
	intents intents       // locks itself
	lobby   lobby         // locks itself
	duties  duties        // locks itself
	coming  arrivals      // locks itself
	bulks   chan struct{} // has room for the states that are sent at a time
	closing atomic.Bool   // the node drains or stops: it takes part in nothing new

	serving atomic.Bool

	placing  sync.Mutex // held while a match is made; guards the following
	stopping bool
	reserved map[string]time.Time // matches that room is kept for, and since when

	fleet
}

// Run starts a node and returns when ctx is done and the node has stopped, or when it cannot go on.
func Run(ctx context.Context, cfg Config) error {
	n, err := Start(cfg)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case err = <-n.failed:
	}
	// The stop has a time of its own: ctx is over.
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.cfg.StopWithin)
	defer cancel()
	return errors.Join(err, n.Stop(stop))
}

// Start starts a node. Errors are about the configuration or the machine: a port in use, a file that cannot be read. Stop must be
// called at the end.
func Start(cfg Config) (*Node, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	n := &Node{
		cfg: cfg, id: newID("n"), began: time.Now(), stats: map[string]*loop.Stats{}, matches: newRegister(), failed: make(chan error, 3),
		limiter: admin.NewLimiter(askRate, askBurst, askFrom), asking: make(chan struct{}, maxAsking), reserved: map[string]time.Time{},
		flights: flights{out: map[string]chan struct{}{}},
		duties:  duties{all: map[string]*duty{}, held: map[string]time.Time{}}, bulks: make(chan struct{}, bulkAtOnce),
		lobby: lobby{matches: map[string]*openMatch{}, asked: map[string]time.Time{}},
	}
	n.life, n.end = context.WithCancel(context.Background())
	n.methods = map[string]method{
		"records": takes(n.giveRecords), "where": takes(n.giveWhere), "http": takes(n.giveHTTP), "reserve": takes(n.giveReserve),
		"create": takes(n.giveCreate), "create_once": takes(n.giveCreateOnce), "create_intent": takes(n.giveIntent),
		"seat": takes(n.giveSeat), "open": takes(n.giveOpen),
		"matches": takes(n.giveMatches), "results": takes(n.giveResults), "announce": takes(n.giveAnnounce), "drain": takes(n.giveDrain),
		"stand": takes(n.giveStand), "here": takes(n.giveHere), "digest": takes(n.giveDigest),
		"result_keep": takes(n.giveKeep), "result_delivered": takes(n.giveDelivered),
		"ticket_expect": takes(n.giveExpect), "ticket_drop": takes(n.giveDrop),
	}
	n.tickets, n.seats = newTickets(n.life, ticketNode{n}, cfg.Log), newSeatBook()
	maps.Copy(n.methods, n.tickets.methods())
	for _, g := range cfg.Games {
		n.stats[g.Name] = loop.NewStats()
	}
	if err := n.open(); err != nil {
		n.abandon()
		return nil, err
	}
	for _, d := range n.doors() {
		n.servers.Go(func() {
			if err := d.serve(); err != nil {
				n.failed <- err
			}
		})
	}
	n.work.Go(n.tend)
	n.work.Go(n.tickets.run)
	n.work.Go(n.fill)
	n.serving.Store(true)
	cfg.Log.Info("serving", n.listens()...)
	return n, nil
}

// open gets hold of everything that can fail, files first, then listeners.
func (n *Node) open() (err error) {
	if n.secrets, err = findKeys(&n.cfg); err != nil {
		return err
	}
	if n.keys, err = token.NewKeyring(n.secrets); err != nil {
		return err
	}
	rules, err := readRules(&n.cfg)
	if err != nil {
		return err
	}
	n.tickets.setRules(rules)
	if n.cfg.Record != "" {
		if err = os.MkdirAll(n.cfg.Record, 0o700); err != nil {
			return fmt.Errorf("record: %w", err)
		}
	}
	if n.results, err = openResults(n.cfg.Data, n.matches, n.cfg.Log); err != nil {
		return err
	}
	if n.hook, err = openWebhook(n.cfg.Webhook, n.cfg.Data, n.delivered, n.cfg.Log); err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	if err = n.openPlayer(); err != nil {
		return err
	}
	if err = n.openAdmin(); err != nil {
		return err
	}
	return n.join()
}

// ready says whether players and operators may be sent here: the node serves, has found the cluster, and does not stop.
func (n *Node) ready() bool {
	return n.serving.Load() && (n.members == nil || n.members.Joined()) && !n.isStopping()
}

// isStopping says that the node drains or stops.
func (n *Node) isStopping() bool { return n.closing.Load() }

// doors are the listeners that open has opened.
func (n *Node) doors() (list []*door) {
	for _, d := range []*door{n.player, n.admin, n.link} {
		if d != nil {
			list = append(list, d)
		}
	}
	return list
}

func (n *Node) openPlayer() error {
	cert, err := loadCertificate(&n.cfg)
	if err != nil {
		return err
	}
	origins, err := netcode.NewOrigins(n.cfg.Origins)
	if err != nil {
		return fmt.Errorf("origins: %w", err)
	}
	if n.player, err = n.openDoor("player listener", n.cfg.Listen); err != nil {
		return err
	}
	n.alarm = n.cfg.net.alarm()
	n.edge, err = netcode.New(netcode.Config{
		Alarm: n.alarm, Keys: n.keys, Origins: origins, PublicURL: n.publicURL(), Route: n.routeTo,
		MaxMatches: n.cfg.MaxMatches, MaxPlayers: n.cfg.MaxPlayers, Log: n.cfg.Log,
	})
	if err != nil {
		return err
	}
	n.player.playerServer(n.routes(origins), cert, n.cfg.Log)
	return nil
}

func (n *Node) openAdmin() error {
	var err error
	n.api, err = admin.New(admin.Config{Node: operator{n}, Addr: n.cfg.Admin, Key: n.cfg.AdminKey, ReadKey: n.cfg.AdminReadKey, Version: n.cfg.Version, Routes: n.ticketRoutes(),
		Log: n.cfg.Log})
	if err != nil {
		return err
	}
	if n.admin, err = n.openDoor("admin listener", n.cfg.Admin); err != nil {
		return err
	}
	if n.cfg.AdminKey == "" {
		n.cfg.Log.Info("the admin listener asks for no key: whoever runs on this machine may use it")
	}
	n.admin.adminServer(n.api, n.cfg.Log)
	return nil
}

// Failed delivers an error when a listener breaks while the node runs. The node must then be stopped.
func (n *Node) Failed() <-chan error { return n.failed }

// URL is where the page is, and the HTTP calls for players.
func (n *Node) URL() string {
	return httpScheme(n.player.tls) + "://" + reachable(n.player.addr, "")
}

// AdminURL is where the admin API is.
func (n *Node) AdminURL() string { return "http://" + reachable(n.admin.addr, "") }

// listens is what the log says about where a node listens: with port 0 there is no other way to know for whoever starts it.
func (n *Node) listens() []any {
	list := []any{"node", n.id, "players", n.URL(), "admin", n.AdminURL()}
	if n.members != nil {
		list = append(list, "gossip", n.members.Listens(), "link", n.link.addr.String())
	}
	return list
}

// Stop ends the node: no new players and matches, everybody gets close code 4013, journals and results are completed. When ctx is over
// before that, what is left is cut off and an error returned. It is called once.
func (n *Node) Stop(ctx context.Context) error {
	n.placing.Lock()
	n.stopping = true
	n.closing.Store(true)
	n.placing.Unlock()
	n.cfg.Log.Info("stopping", "matches", n.matches.count())
	if n.members != nil {
		n.members.SetLoad(n.load()) // tells that it drains
	}
	n.depart(ctx)
	err := n.edge.Shutdown(ctx)
	over := make(chan struct{})
	go func() { // ends with the last match
		n.matches.wait()
		close(over)
	}()
	select {
	case <-over:
	case <-ctx.Done():
		err = errors.Join(err, errors.New("some matches had not ended"))
	}
	n.hook.close() // while others can be told
	n.leave(ctx)
	n.closeAll()
	n.servers.Wait()
	return err
}

// abandon undoes an open that failed.
func (n *Node) abandon() {
	if n.edge != nil {
		_ = n.edge.Shutdown(context.Background()) // at once: nobody has come yet
	}
	n.closeAll()
}

// closeAll lets go of what open got hold of, as far as it came.
func (n *Node) closeAll() {
	n.end()
	n.drains.close()
	for _, d := range n.doors() {
		d.close()
	}
	if n.alarm != nil {
		if err := n.alarm.Close(); err != nil {
			n.cfg.Log.Error("alarm", "err", err)
		}
	}
	n.closeFleet()
	n.hook.close()
	if err := n.results.close(); err != nil {
		n.cfg.Log.Error("results", "err", err)
	}
}
