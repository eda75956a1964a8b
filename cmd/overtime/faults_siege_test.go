package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/overtime-server/overtime/bots"
)

// siege is a cluster of real processes with bots on it, whose nodes are hit again and again. What the bots saw and what the nodes
// recorded is compared at the end, as in the demonstration. Its fields belong to the goroutine of run.
type siege struct {
	*demonstration // its nodes are all processes that ever ran here

	up      []*demoNode // that run and are not frozen
	say     func(format string, args ...any)
	strikes []*strike
	lost    map[string]time.Duration // matches that were lost as they must be, and when, on the clock of sights
	starts  int                      // processes so far
	outside func(*demoNode) launch   // starts a node elsewhere than here; nil: here
}

// part is what a node has to do with a match; parts of several nodes are added up.
type part uint8

const (
	partOwner part = 1 << iota
	partStandby
	partWitness
)

// count is how many of the three members of a match are hit.
func (p part) count() (n int) {
	for ; p > 0; p &= p - 1 {
		n++
	}
	return n
}

// strike is one fault and what became of it.
type strike struct {
	cell
	victims   []string        // ids
	at, until time.Duration   // on the clock of sights: the fault, and when everything was well again
	hit       map[string]part // by match that had a part in it
	doomed    map[string]bool // matches that lose two of three members for good, or had one left, which nobody can survive
	took      time.Duration   // until what had a chance was protected again: after the fault, or after the new node was ready
}

// siegeLimit is for one siege; nothing takes nearly as long.
const siegeLimit = 5 * time.Minute

// besiege runs a siege: script hits nodes. The result is what went wrong; an error says that there is nothing to judge.
func besiege(ctx context.Context, cfg siegeConfig, say func(string, ...any), script func(context.Context, *siege) error) (*siegeReport, error) {
	ctx, cancel := context.WithTimeout(ctx, siegeLimit)
	defer cancel()
	dc := demoDefaults()
	dc.exe, dc.matches, dc.players, dc.limit, dc.slack = cfg.exe, cfg.matches, cfg.players, siegeLimit, patience
	var told buffer
	d, err := newDemo(dc, &told, time.Now())
	if err != nil {
		return nil, err
	}
	defer d.clean()
	defer d.api.http.CloseIdleConnections()
	s := &siege{demonstration: d, say: say, lost: map[string]time.Duration{}}
	defer func() { quit(s.nodes, 0) }()
	if cfg.prepare != nil {
		cfg.prepare(s)
	}
	report, err := s.run(ctx, cfg, script)
	if err != nil || len(report.wrong)+len(report.slow) > 0 {
		d.keep()
		say("logs and recordings: %s\n%s", d.dir, told.String())
	}
	return report, err
}

// siegeConfig is how big a siege is.
type siegeConfig struct {
	exe            string
	nodes, matches int
	players        int // of each match
	first          int // nodes that are there when the matches are made; 0: all
	prepare        func(*siege)
}

func (s *siege) run(ctx context.Context, cfg siegeConfig, script func(context.Context, *siege) error) (*siegeReport, error) {
	first := cfg.first
	if first == 0 {
		first = cfg.nodes
	}
	if err := s.grow(ctx, first); err != nil {
		return nil, err
	}
	if !pause(ctx, gossipWait) {
		return nil, ctx.Err()
	}
	s.sights = bots.NewSights()
	end := make(chan struct{})
	type outcome struct {
		report bots.Report
		err    error
	}
	played := make(chan outcome, 1)
	playing, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // ends with playing
		r, err := bots.Run(playing, s.bots(end))
		played <- outcome{r, err}
	}()
	err := s.enter(ctx, cfg)
	if err == nil {
		err = script(ctx, s)
	}
	if err == nil && !pause(ctx, time.Second) {
		err = ctx.Err()
	}
	s.over = s.clock()
	if err == nil { // who sees nothing more is without a match, however busy this machine is
		_ = s.until(ctx, patience, "everybody sees the end", func() string { return s.unseen(s.over) })
	}
	if err != nil {
		stop()
		quit(s.nodes, 0) // so that nobody waits for them
	}
	close(end)
	o := <-played
	if err = errors.Join(err, o.err); err != nil {
		return nil, err
	}
	quit(s.nodes, quitPatience+s.cfg.slack)
	return s.judge(&o.report)
}

// bots is what the players do.
func (s *siege) bots(end <-chan struct{}) bots.Config {
	cfg := s.botsConfig(end)
	cfg.Log = slog.New(slog.DiscardHandler)
	if t, ok := s.api.http.Transport.(*keyed); ok {
		cfg.Key = t.key
	}
	return cfg
}

// keyed puts the key of the admin listeners into requests.
type keyed struct {
	http.Transport
	key string
}

func (k *keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+k.key)
	return k.Transport.RoundTrip(r)
}

// grow starts nodes until there are so many, and waits until all know each other.
func (s *siege) grow(ctx context.Context, count int) error {
	for len(s.up) < count {
		if _, err := s.add(ctx, nil); err != nil {
			return err
		}
	}
	return s.meet(ctx)
}

// meet waits until all nodes are ready and know each other. A new process at an old address has another id than the dead one that the
// others still know, so its own log is asked for it.
func (s *siege) meet(ctx context.Context) error {
	for _, n := range s.up {
		if err := n.ready(ctx, s.api); err != nil {
			return s.explain(n, err)
		}
	}
	return s.until(ctx, resettle, "nodes know each other", func() string {
		for _, n := range s.up {
			b, err := os.ReadFile(filepath.Join(s.dir, n.name+".log"))
			_, rest, ok := strings.Cut(string(b), "msg=serving node=")
			if !ok {
				return fmt.Sprintf("%s does not say who it is, %v", n.name, err)
			}
			n.id, _, _ = strings.Cut(rest, " ")
		}
		for _, n := range s.up {
			for _, x := range s.up {
				if !s.knows(ctx, n, x.id) {
					return n.name + " does not know " + x.name
				}
			}
		}
		return ""
	})
}

// knows reports whether a node takes another for ready.
func (s *siege) knows(ctx context.Context, n *demoNode, id string) bool {
	var a struct{ Nodes []struct{ ID, State string } }
	err := s.api.get(ctx, "http://"+n.admin+"/v1/nodes", &a)
	return err == nil && slices.ContainsFunc(a.Nodes, func(x struct{ ID, State string }) bool { return x.ID == id && x.State == "ready" })
}

// add starts a node; with an old one it gets its addresses.
func (s *siege) add(ctx context.Context, old *demoNode) (*demoNode, error) {
	s.starts++
	n, err := s.launch.newNode(fmt.Sprintf("N%d", s.starts))
	if err != nil {
		return nil, err
	}
	if old != nil {
		n.player, n.admin, n.gossip, n.link = old.player, old.admin, old.gossip, old.link
	} else if s.outside == nil {
		if err := lasting(&n.player, &n.admin, &n.gossip, &n.link); err != nil {
			return nil, err
		}
	}
	l := s.launch
	if s.outside != nil {
		l = s.outside(n)
	}
	var join []string
	for _, x := range s.up {
		join = append(join, x.gossip)
	}
	s.nodes = append(s.nodes, n)
	if err := l.start(ctx, n, join); err != nil {
		return nil, err
	}
	s.up = append(s.up, n)
	return n, nil
}

// enter waits until everybody plays, lets the other nodes in, and waits until every match is protected.
func (s *siege) enter(ctx context.Context, cfg siegeConfig) error {
	want := cfg.matches * cfg.players
	err := s.until(ctx, patience, "everybody plays", func() string {
		if n := s.seeing(0); n < want {
			return fmt.Sprintf("%d of %d see something", n, want)
		}
		return ""
	})
	if err == nil && len(s.up) < cfg.nodes {
		err = s.grow(ctx, cfg.nodes)
	}
	if err != nil {
		return err
	}
	if err := s.until(ctx, patience, "every match is protected", func() string { return s.open(ctx, cfg.matches) }); err != nil {
		return err
	}
	return s.until(ctx, patience, "a list of all matches", func() string {
		list, err := s.list(ctx)
		if err != nil {
			return err.Error()
		}
		for _, m := range list {
			s.before = append(s.before, demoMatch{ID: m.ID})
		}
		return ""
	})
}

// unseen says how many players have seen no frame after a time, though their match is not lost; "" if none.
func (s *siege) unseen(after time.Duration) string {
	n := 0
	s.sights.All(func(x *bots.Sight, saw *bots.Saw) {
		if k := len(saw.Frames); s.lost[x.Match] == 0 && (k == 0 || saw.Frames[k-1].At < after) {
			n++
		}
	})
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d players see nothing", n)
}

// clock is the time on the clock of sights.
func (s *siege) clock() time.Duration { return time.Since(s.sights.Began()) }

// until waits until why has nothing to say any more.
func (s *siege) until(ctx context.Context, limit time.Duration, what string, why func() string) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		says := why()
		if says == "" {
			return nil
		}
		if !pause(ctx, 30*time.Millisecond) {
			return fmt.Errorf("%s: not within %v: %s", what, limit, says)
		}
	}
}

// placed is what the API says of a match.
type placed struct {
	ID                               string `json:"match_id"`
	Owner, Standby, Witness, Outcome string
	Protected                        bool
	Unprotected                      string
}

func (p *placed) parts(node string) (is part) {
	for i, id := range []string{p.Owner, p.Standby, p.Witness} {
		if id == node {
			is |= 1 << i
		}
	}
	return is
}

// list returns all running matches as a random node knows them. Who of the living does not answer may have some: that is an error.
func (s *siege) list(ctx context.Context) ([]placed, error) {
	var a struct {
		Matches []placed
		Missing []string
	}
	n := s.up[rand.N(len(s.up))]
	err := s.api.get(ctx, "http://"+n.admin+"/v1/matches?limit=1000", &a)
	for _, x := range s.up {
		if err == nil && slices.Contains(a.Missing, x.id) {
			err = fmt.Errorf("%s has not said which matches it has", x.name)
		}
	}
	return slices.DeleteFunc(a.Matches, func(m placed) bool { return m.Outcome != "" }), err
}

// open says which of so many matches is missing or not protected; "" if none is. Where there are less than three nodes the
// reason has to be shown.
func (s *siege) open(ctx context.Context, want int) string {
	list, err := s.list(ctx)
	if err != nil {
		return err.Error()
	}
	for _, m := range list {
		if !m.Protected && (len(s.up) > 2 || m.Unprotected == "") && s.lost[m.ID] == 0 {
			return m.ID + ": " + m.Unprotected
		}
	}
	if len(list) < want {
		return fmt.Sprintf("%d of %d matches", len(list), want)
	}
	return ""
}

// named reports whether a match still relies on a node that is gone.
func (k *strike) named(p *placed) bool {
	return k.dead() && slices.ContainsFunc(k.victims, func(id string) bool { return p.parts(id) != 0 })
}

// recovered says what is missing until every match that has a chance is there, goes on, and is protected where enough nodes are left.
func (s *siege) recovered(ctx context.Context, k *strike) string {
	list, err := s.list(ctx)
	if err != nil {
		return err.Error()
	}
	found := map[string]placed{}
	for _, m := range list {
		found[m.ID] = m
	}
	var why []string
	for _, m := range s.before {
		x, ok := found[m.ID]
		switch {
		case s.lost[m.ID] > 0 || k.doomed[m.ID]:
		case !ok:
			why = append(why, m.ID+" is not there")
		case k.named(&x) && (len(s.up) > 2 || slices.Contains(k.victims, x.Owner)):
			why = append(why, fmt.Sprintf("%s still names a node that was hit: %s %s %s", m.ID, x.Owner, x.Standby, x.Witness))
		case !x.Protected && len(s.up) > 2, !x.Protected && x.Unprotected == "":
			why = append(why, fmt.Sprintf("%s (%s %s %s) is not protected: %q", m.ID, x.Owner, x.Standby, x.Witness, x.Unprotected))
		}
	}
	if len(why) > 3 {
		why = append(why[:3], fmt.Sprintf("and %d more", len(why)-3))
	}
	return strings.Join(why, "; ")
}

// named finds the latest process with a node's id.
func (s *siege) named(id string) *demoNode {
	for _, n := range slices.Backward(s.nodes) {
		if n.id == id {
			return n
		}
	}
	return nil
}
