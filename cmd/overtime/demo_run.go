package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/overtime-server/overtime/bots"
	"github.com/overtime-server/overtime/game"
)

// demonstration is one run of overtime demo. Its fields belong to the goroutine of run.
type demonstration struct {
	// static
	cfg    demoConfig
	api    *demoAPI
	launch launch
	dir    string
	remove bool // the directory is ours

	tell    teller
	nodes   []*demoNode
	wires   []*wire // cut: what goes between nodes goes through these
	cutter  cutter
	sights  *bots.Sights
	victim  *demoNode
	before  []demoMatch     // right before the fault
	hit     map[string]bool // matches that the victim owned
	faultAt time.Duration   // on the clock of sights
	over    time.Duration   // shortly before the players were told to leave
}

// Bounds of the parts of a demonstration.
const (
	gossipWait    = 1500 * time.Millisecond // until every node has heard how busy the others are
	startWithin   = 12 * time.Second
	joinWithin    = 15 * time.Second
	recoverWithin = 8 * time.Second
	settleWithin  = 5 * time.Second // the last answers
	quitPatience  = 1500 * time.Millisecond
)

// run is the whole demonstration. Whatever happens, its nodes are gone when it returns.
func (d *demonstration) run(ctx context.Context) (*demoReport, error) {
	defer d.api.http.CloseIdleConnections()
	defer d.unwire()
	defer func() { quit(d.nodes, 0) }()
	if err := d.assemble(ctx); err != nil {
		return nil, err
	}
	end := make(chan struct{})
	playing, stop := context.WithCancel(ctx)
	defer stop()
	played, err := d.letPlay(playing, end)
	if err != nil {
		return nil, err
	}
	if err = d.play(ctx); err == nil {
		d.over = d.last(ctx)
	}
	if err != nil {
		stop()
		quit(d.nodes, 0) // so that nobody waits for them
	}
	close(end)
	o := <-played
	if err != nil {
		return nil, err
	}
	if o.err != nil {
		return nil, fmt.Errorf("bots: %w", o.err)
	}
	quit(d.nodes, quitPatience+d.cfg.slack)
	return d.judge(&o.report)
}

// last waits until every player has seen a frame of now, for as long as a recovery may take, and returns when that is: so what this machine
// does meanwhile, players who see nothing more are those whose match is over.
func (d *demonstration) last(ctx context.Context) time.Duration {
	now := time.Since(d.sights.Began())
	ctx, cancel := context.WithTimeout(ctx, recoverWithin+d.cfg.slack)
	defer cancel()
	for d.seeing(now) < d.cfg.matches*d.cfg.players && d.narrate(ctx, 10*time.Millisecond) {
	}
	return now
}

// outcome is what came of the players.
type outcome struct {
	report bots.Report
	err    error
}

// letPlay sends the players in. They leave when end is closed, or ctx ends; the channel gets one outcome then.
func (d *demonstration) letPlay(ctx context.Context, end <-chan struct{}) (<-chan outcome, error) {
	file, err := os.Create(filepath.Join(d.dir, "bots.log"))
	if err != nil {
		return nil, err
	}
	d.sights = bots.NewSights()
	cfg := d.botsConfig(end)
	cfg.Log = slog.New(slog.NewTextHandler(file, nil))
	played := make(chan outcome, 1)
	go func() {
		r, err := bots.Run(ctx, cfg)
		file.Close()
		played <- outcome{r, err}
	}()
	return played, nil
}

// botsConfig is what the players do: enter anywhere, play until they are told to leave.
func (d *demonstration) botsConfig(end <-chan struct{}) bots.Config {
	def := games()[0]
	cfg := bots.Config{
		Target: d.nodes[0].player, Admin: d.nodes[0].admin, Matches: d.cfg.matches, Players: d.cfg.players, Game: def.Name,
		Games: map[string]game.Def{def.Name: def}, Scatter: true, Duration: d.cfg.limit, End: end, Sights: d.sights, JoinTimeout: joinWithin + d.cfg.slack,
		Settle: settleWithin + d.cfg.slack,
		Seed:   uint64(time.Now().UnixNano()),
	}
	for _, n := range d.nodes[1:] {
		cfg.Others = append(cfg.Others, n.admin)
	}
	return cfg
}

// assemble starts the nodes and waits until they know each other.
func (d *demonstration) assemble(ctx context.Context) error {
	d.tell.line("three nodes start, each a process of its own: A, B and C")
	var nodes []*demoNode
	for _, name := range []string{"A", "B", "C"} {
		n, err := d.launch.newNode(name)
		if err != nil {
			return err
		}
		if d.cfg.fault == "cut" {
			if err := d.wire(n); err != nil {
				return err
			}
		}
		nodes = append(nodes, n)
	}
	for _, w := range d.wires {
		w.connect()
	}
	for _, n := range nodes {
		if err := d.begin(ctx, n); err != nil {
			return err
		}
	}
	if err := d.acquaint(ctx, d.nodes); err != nil {
		return err
	}
	d.tell.line("they know each other")
	if !pause(ctx, gossipWait) {
		return ctx.Err()
	}
	return nil
}

// begin starts a node that joins those that run, and waits until it listens: the next one joins it there.
func (d *demonstration) begin(ctx context.Context, n *demoNode) error {
	var join []string
	for _, x := range d.nodes {
		if x != d.victim {
			join = append(join, x.gossip)
		}
	}
	if err := d.launch.start(ctx, n, join); err != nil {
		return err
	}
	d.nodes = append(d.nodes, n)
	ctx, cancel := context.WithTimeout(ctx, startWithin+d.cfg.slack)
	defer cancel()
	if err := n.addressed(ctx); err != nil {
		return d.explain(n, err)
	}
	return nil
}

// acquaint waits until nodes are ready and know of each other.
func (d *demonstration) acquaint(ctx context.Context, nodes []*demoNode) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin+d.cfg.slack)
	defer cancel()
	for _, n := range nodes {
		if err := n.ready(ctx, d.api); err != nil {
			return d.explain(n, err)
		}
	}
	for _, n := range nodes {
		for {
			ids, err := d.api.members(ctx, n)
			known := 0
			for _, x := range nodes {
				if id := ids["ws://"+x.player+"/v1/play"]; id != "" {
					x.id = id
					known++
				}
			}
			if known == len(nodes) {
				break
			}
			if !pause(ctx, 50*time.Millisecond) {
				return fmt.Errorf("the nodes do not find each other (last: %w)", orElse(err, ctx.Err()))
			}
		}
	}
	return nil
}

// explain adds the last line of a node's log to an error.
func (d *demonstration) explain(n *demoNode, err error) error {
	b, _ := os.ReadFile(filepath.Join(d.dir, n.name+".log"))
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return fmt.Errorf("%w: %s", err, last)
	}
	return err
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// pause waits for other processes, which have no way to wake this one; false if ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// alive is a node that was not hit.
func (d *demonstration) alive() *demoNode {
	for _, n := range d.nodes {
		if n != d.victim && !n.gone() {
			return n
		}
	}
	return d.nodes[0]
}

// play is what happens while the players play.
func (d *demonstration) play(ctx context.Context) error {
	if err := d.settled(ctx); err != nil {
		return err
	}
	if !pause(ctx, d.cfg.before) {
		return ctx.Err()
	}
	if err := d.strike(ctx); err != nil {
		return err
	}
	d.watchRecovery(ctx)
	if left := d.cfg.away - time.Since(d.tell.fault); !d.narrate(ctx, left) {
		return ctx.Err()
	}
	back := time.Now()
	if err := d.comeBack(ctx); err != nil {
		return err
	}
	d.awaitProtection(ctx, back)
	if !d.narrate(ctx, d.cfg.after) {
		return ctx.Err()
	}
	d.tell.line("the players leave; what they saw is compared with what the nodes recorded")
	return nil
}

// settled waits until everybody plays and every match would survive.
func (d *demonstration) settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, joinWithin+d.cfg.slack)
	defer cancel()
	said, want := false, d.cfg.matches*d.cfg.players
	for {
		seen := d.seeing(0)
		if seen == want && !said {
			said = true
			d.tell.line("%s play in %s, each entered at a random node", count(seen, "bot"), count(d.cfg.matches, "match"))
		}
		list, err := d.api.matches(ctx, d.alive())
		if open := unprotected(list); said && err == nil && len(list) == d.cfg.matches && open == "" {
			d.tell.line("every match has an owner, a standby and a witness")
			d.tellOwners(list)
			return nil
		}
		for _, n := range d.nodes {
			if n.gone() {
				return d.explain(n, fmt.Errorf("%w: %s", errGone, n.name))
			}
		}
		if !pause(ctx, 100*time.Millisecond) {
			return fmt.Errorf("%d of %d bots play, %d matches, not protected: %q: %w", seen, want, len(list), unprotected(list), orElse(err, ctx.Err()))
		}
	}
}

// unprotected says why the first match that would not survive would not; "" if all would.
func unprotected(list []demoMatch) string {
	for _, m := range list {
		if !m.Protected {
			return m.ID + ": " + m.Unprotected
		}
	}
	return ""
}

// seeing counts the players that have seen a frame after a time on the clock of sights.
func (d *demonstration) seeing(after time.Duration) (n int) {
	d.sights.All(func(_ *bots.Sight, saw *bots.Saw) {
		if k := len(saw.Frames); k > 0 && saw.Frames[k-1].At >= after {
			n++
		}
	})
	return n
}

// tellOwners lists who owns how many matches.
func (d *demonstration) tellOwners(list []demoMatch) {
	var parts []string
	for _, n := range d.nodes {
		if n == d.victim && n.gone() {
			continue
		}
		own := 0
		for _, m := range list {
			if m.Owner == n.id {
				own++
			}
		}
		parts = append(parts, fmt.Sprintf("%s owns %s", n.name, count(own, "match")))
	}
	d.tell.more("%s", strings.Join(parts, ", "))
}
