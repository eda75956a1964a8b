package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/directory"
	"github.com/overtime-server/overtime/cluster/matchmaker"
	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/cluster/place"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/token"
)

// ticketNode is a node as matchmaking sees it.
type ticketNode struct{ n *Node }

var _ ticketWorld = ticketNode{}

func (w ticketNode) self() string { return w.n.id }

func (w ticketNode) view() (v ticketView) {
	for _, x := range w.n.nodes() {
		switch {
		case x.State == member.Alive || x.ID == w.n.id: // itself too when it has just said that it leaves: somebody is there
			v.living = append(v.living, x.ID)
			v.voters++
			if !x.Load.Draining {
				v.able = append(v.able, x.ID)
			}
			if r := x.Meta.Region; r != "" && !slices.Contains(v.regions, r) {
				v.regions = append(v.regions, r)
			}
		case x.State == member.Dead && time.Since(x.Since) < recentDeath && w.n.cfg.TwoNodes != TwoNodesAvailable:
			v.dead = append(v.dead, x.ID)
			v.voters++
		}
	}
	slices.Sort(v.regions)
	return v
}

func (w ticketNode) linked(node string) bool { return w.n.linked(node) }

func (w ticketNode) watch(node string) (release func()) {
	if w.n.links == nil {
		return func() {}
	}
	return w.n.links.Watch(node)
}

// gone implements ticketWorld.
func (w ticketNode) gone(ctx context.Context, node string) bool { return w.n.gone(ctx, node) }

func (w ticketNode) call(ctx context.Context, node, method string, body []byte) ([]byte, error) {
	return ask[json.RawMessage](ctx, w.n, node, method, json.RawMessage(body))
}

// Labels of matches that were made from tickets.
const (
	queueLabel  = "queue"
	layoutLabel = "layout"     // sizes of the teams: 8,8
	skillLabel  = "skill"      // mean of those for whom it was made
	equalLabel  = "attributes" // those in which all agree, JSON
	regionLabel = "region"     // that all share
)

// specOf says which match a proposal wants. It says the same each time.
func specOf(p *matchmaker.Proposal) admin.MatchSpec {
	var sizes []string
	seats := 0
	for _, n := range p.Layout {
		sizes = append(sizes, strconv.Itoa(n))
		seats += n
	}
	labels := map[string]string{
		queueLabel: p.Queue, layoutLabel: strings.Join(sizes, ","), skillLabel: strconv.FormatFloat(p.Skill, 'f', 1, 64),
	}
	if len(p.Attributes) > 0 {
		b, _ := json.Marshal(p.Attributes)
		labels[equalLabel] = string(b)
	}
	if p.Region != "" {
		labels[regionLabel] = p.Region
	}
	return admin.MatchSpec{Game: p.Game, Region: p.Region, Seats: seats, Labels: labels}
}

// playID is the id of the match of a proposal.
func playID(p *matchmaker.Proposal) string { return keyedID("proposal " + p.ID) }

func (w ticketNode) play(ctx context.Context, p *matchmaker.Proposal) (a matchmaker.Assignment, err error) {
	id := p.Match
	if id == "" {
		id = playID(p)
		spec := specOf(p)
		if !slices.Contains(w.view().regions, spec.Region) {
			spec.Region = "" // nodes that say not where they are may be anywhere
		}
		if _, err := w.n.createKeyed(ctx, askCreate{Match: id, Spec: spec}); err != nil {
			return a, err
		}
	}
	rec, err := w.n.live(ctx, id)
	if p.Match == "" && err == nil {
		rec = w.settled(ctx, rec)
	}
	switch {
	case err != nil:
		return a, err // the match is over already, or nobody knows
	case p.Match != "":
		in := askExpect{Match: id}
		for _, s := range p.Seats {
			in.Seats = append(in.Seats, seatWanted{s.Player, s.Team})
		}
		if _, err := ask[gotNothing](ctx, w.n, rec.Owner, "ticket_expect", in); err != nil {
			return a, err
		}
	}
	a = matchmaker.Assignment{Match: id, Tokens: map[string]string{}}
	if x, ok := w.n.node(rec.Owner); ok {
		a.URL = x.Meta.URL
	}
	for _, s := range p.Seats {
		t := token.Player{Match: id, ID: s.Player, Expiry: time.Now().Add(placeLife)}
		if len(p.Layout) > 1 {
			t.Team = uint32(s.Team) + 1
		}
		if a.Tokens[s.Player], err = w.n.keys.SignPlayer(t); err != nil {
			return a, err
		}
	}
	return a, nil
}

// settleFor is how long a new match may take to find a node that stands by for it.
const settleFor = time.Second

// settled waits a little until somebody stands by for a new match: it would be a pity to send players into one that dies with its node.
func (w ticketNode) settled(ctx context.Context, rec directory.Record) directory.Record {
	for end := time.Now().Add(settleFor); rec.Standby == "" && len(w.n.others()) > 1 && time.Now().Before(end) && ctx.Err() == nil; {
		time.Sleep(20 * time.Millisecond)
		if r, ok := w.n.dir.Get(rec.Match); ok {
			rec = r
		}
	}
	return rec
}

// createKeyed has a match made once for its id, by the id's home.
func (n *Node) createKeyed(ctx context.Context, in askCreate) (got gotCreate, err error) {
	for _, home := range place.Homes(in.Match, n.tickets.view().living) {
		if got, err = ask[gotCreate](ctx, n, home, "create_once", in); !errors.Is(err, admin.ErrUnreachable) {
			break
		}
		if ctx.Err() == nil {
			n.tickets.suspect(home)
		}
	}
	return got, err
}

// drop ends a match that nobody was sent to. If that fails it ends by itself, since nobody comes.
func (w ticketNode) drop(p *matchmaker.Proposal, match string) {
	if p.Match != "" {
		return // seats that nobody comes for are free again soon
	}
	ctx, cancel := context.WithTimeout(w.n.life, ticketWithin)
	defer cancel()
	if rec, err := w.n.live(ctx, match); err == nil {
		_, _ = ask[gotNothing](ctx, w.n, rec.Owner, "ticket_drop", askTicket{match})
	}
}

// giveDrop ends a match that was made for a proposal, in which nobody is.
func (n *Node) giveDrop(_ context.Context, _ string, in askTicket) (out gotNothing, err error) {
	if h := n.matches.get(in.Ticket); h != nil && h.labels[queueLabel] != "" && h.match.Info().Taken == 0 {
		h.match.Stop(loop.OverEmpty)
	}
	return out, nil
}

// readRules reads the file with the rules of queues; none are the defaults.
func readRules(cfg *Config) (*matchmaker.Rules, error) {
	if cfg.Queues == "" {
		return &matchmaker.Rules{}, nil
	}
	b, err := readBounded(cfg.Queues, matchmaker.MaxRulesFile)
	if err != nil {
		return nil, fmt.Errorf("queues: %w", err)
	}
	r, err := matchmaker.ParseRules(b)
	if err != nil {
		return nil, fmt.Errorf("queues: %s: %w", cfg.Queues, err)
	}
	return &r, nil
}

// readBounded reads a file of at most so many bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return b, err
}
