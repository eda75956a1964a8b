package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/token"
)

// operator is the node as the admin API sees it.
type operator struct{ *Node }

var _ admin.Node = operator{}

// game finds a game by name; "" is the first.
func (n *Node) game(name string) (game.Def, error) {
	for _, g := range n.cfg.Games {
		if g.Name == name || name == "" {
			return g, nil
		}
	}
	return game.Def{}, fmt.Errorf("%w: %.40q", admin.ErrGame, name)
}

// Match implements admin.Node.
func (o operator) Match(id string) (admin.Match, error) {
	if h := o.matches.get(id); h != nil {
		return o.describe(h), nil
	}
	if m, ok := o.matches.result(id); ok {
		return m, nil
	}
	_, err := o.running(id) // which says why it is not here
	return admin.Match{}, err
}

// deleteWithin bounds how long DeleteMatch and End wait: a tick, and the end of the recording on a slow disk.
const deleteWithin = 5 * time.Second

// DeleteMatch implements admin.Node.
func (o operator) DeleteMatch(id string) error {
	h, err := o.running(id)
	switch {
	case errors.Is(err, admin.ErrOver):
		return admin.ErrNotFound
	case err != nil:
		return err
	}
	ctx := context.Background()
	if err := h.order(ctx, func() error { h.match.Stop(loop.OverFinished); return nil }); err != nil {
		return err
	}
	return h.ended(ctx)
}

// ended waits for a match to be over, which it is not where it goes on elsewhere.
func (h *hosted) ended(ctx context.Context) error {
	select {
	case <-h.gone:
		switch {
		case h.moved():
			return admin.ErrMoved
		case h.stopped() && h.duty != nil:
			return errUnsure
		}
		return nil
	case <-time.After(deleteWithin):
		return fmt.Errorf("%w: the match takes long to end", admin.ErrBusy)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tokenLife is how long a token from the admin API lets its bearer in.
const tokenLife = time.Hour

// Tokens implements admin.Node.
func (o operator) Tokens(match string, players []admin.Player) (map[string]string, error) {
	if _, err := o.running(match); errors.Is(err, admin.ErrOver) {
		return nil, admin.ErrNotFound
	} else if err != nil {
		return nil, err
	}
	tokens := make(map[string]string, len(players))
	for _, p := range players {
		t, err := o.keys.SignPlayer(token.Player{
			Match: match, ID: p.ID, Name: token.CleanName(p.Name), Team: p.Team, Bot: p.Bot, Spectator: p.Spectator,
			Expiry: time.Now().Add(tokenLife),
		})
		if err != nil {
			return nil, fmt.Errorf("%w: player %.64q: an id is 1 to %d printable ASCII characters without spaces", admin.ErrInvalid, p.ID, token.MaxID)
		}
		tokens[p.ID] = t
	}
	return tokens, nil
}

// PlayerURL implements admin.Node.
func (o operator) PlayerURL(host string) string {
	if o.meta.URL != "" {
		return o.meta.URL
	}
	return wsScheme(o.player.tls) + "://" + reachable(o.player.addr, host) + playPath
}

// Counters implements admin.Node.
func (o operator) Counters() admin.Counters {
	k := admin.Counters{Net: o.edge.Stats(), Games: o.stats, Matches: map[string]int{}, Limited: o.limiter.Refused(),
		Unprotected: map[string]int{}}
	k.BytesIn, k.BytesOut = o.edge.Bytes()
	waiting := o.tickets.counters()
	k.Tickets = &waiting
	for _, g := range o.cfg.Games {
		k.Matches[g.Name] = 0
	}
	for _, h := range o.matches.all() {
		i := h.match.Info()
		k.Matches[i.Game]++
		k.Players += i.Taken
		if h.duty == nil {
			continue
		}
		if r := h.duty.shown.Load(); r != nil && !r.Protected {
			k.Unprotected[h.duty.why(r)]++
		}
	}
	k.Cluster, k.Webhook = o.clusterCounters(), o.hook.counters()
	return k
}
