package cluster

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/place"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/token"
)

// askQuickplay is the body of POST /v1/quickplay. All of it is optional.
type askQuickplay struct {
	Game string `json:"game"` // default: the node's first
	Name string `json:"name"` // shown to others; default: the guest's
	Bot  bool   `json:"bot"`  // shown as a bot
}

func (n *Node) quickplay(w http.ResponseWriter, r *http.Request) {
	var asked askQuickplay
	if !admin.Read(w, r, maxAsk, true, &asked) {
		return
	}
	if _, err := n.playURL(r); err != nil {
		admin.Problem(w, http.StatusBadRequest, err.Error())
		return
	}
	g, ok := n.identify(w, r, asked.Name)
	if !ok {
		return
	}
	def, err := n.game(asked.Game)
	if err != nil {
		n.unavailable(w, err)
		return
	}
	seat, err := n.seat(r.Context(), askSeat{def.Name, g.ID})
	if err != nil {
		n.unavailable(w, err)
		return
	}
	signed, err := n.keys.SignPlayer(token.Player{
		Match: seat.Match, ID: g.ID, Name: g.Name, Bot: asked.Bot, Expiry: time.Now().Add(placeLife),
	})
	if err != nil {
		n.broken(w, err)
		return
	}
	if rec, ok := n.dir.Get(seat.Match); ok && rec.Live() { // what the home of the seats knows may be older
		seat.Owner, _ = n.playedOn(rec)
	}
	url, _ := n.playersURL(seat.Owner, r) // which named a host before
	admin.JSON(w, http.StatusOK, map[string]string{"match_id": seat.Match, "url": url, "token": signed, "player_id": g.ID})
}

// askSeat asks the home of a game's open matches for a seat.
type askSeat struct {
	Game   string `json:"game"`
	Player string `json:"player"`
}

type gotSeat struct {
	Match string `json:"match"`
	Owner string `json:"owner"` // node id
}

// seat finds a seat for a player. One node at a time decides for all open matches of a game, so that players meet.
func (n *Node) seat(ctx context.Context, in askSeat) (got gotSeat, err error) {
	for _, home := range place.Homes("quickplay "+in.Game, n.able()) {
		if got, err = ask[gotSeat](ctx, n, home, "seat", in); err == nil {
			return got, nil
		}
	}
	return got, err
}

// lobby is what this node knows of open matches while it is the home of a game. It locks itself.
type lobby struct {
	mu      sync.Mutex // held while a seat is found or a match made; guards the following
	matches map[string]*openMatch
	asked   map[string]time.Time // by game: when all nodes were asked last
}

// openMatch is a match that quickplay may send players to.
type openMatch struct {
	Match  string `json:"match"`
	Game   string `json:"game"`
	Seats  int    `json:"seats"`
	Taken  int    `json:"taken"`
	Fading bool   `json:"fading,omitempty"` // about to end for lack of players, unless somebody is on his way

	owner  string
	places places
	seen   time.Time // when a node last named it
}

const (
	lobbyFresh = 250 * time.Millisecond // how old what is known of open matches may be
	lobbyAsk   = 250 * time.Millisecond // how long a node has to name its open matches
	lobbyKeep  = 5 * time.Second        // an open match that nobody named for so long is forgotten
)

// giveSeat finds a seat in the fullest match that has one, or has a match made.
func (n *Node) giveSeat(ctx context.Context, _ string, in askSeat) (got gotSeat, err error) {
	l := &n.lobby
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case n.isStopping():
		return got, admin.ErrDraining
	case ctx.Err() != nil: // who asked waits no more, and has asked another node
		return got, admin.ErrUnreachable
	}
	now := time.Now()
	n.refreshLocked(ctx, in.Game, now)
	best := l.bestLocked(in.Game, now)
	if best == nil {
		spec := admin.MatchSpec{Game: in.Game, Labels: map[string]string{openLabel: "true"}}
		id := newID("m")
		if _, err := n.createBest(ctx, askCreate{Match: id, Spec: spec}); err != nil {
			return got, err
		}
		r, _ := n.dir.Get(id) // else it is named by its node soon
		best = &openMatch{Match: id, Game: in.Game, owner: r.Owner, seen: now, places: places{seats: 1}}
		l.matches[id] = best
		delete(l.asked, in.Game) // ask for its seats next time
	}
	best.places.promise(in.Player, now)
	if best.owner == "" {
		w, err := n.find(ctx, best.Match)
		if err != nil {
			return got, err
		}
		best.owner = w.record.Owner
	}
	return gotSeat{best.Match, best.owner}, nil
}

// bestLocked returns the fullest open match of a game with a free seat, or nil.
func (l *lobby) bestLocked(game string, now time.Time) (best *openMatch) {
	most := 0
	for _, m := range l.matches {
		if m.Game != game {
			continue
		}
		free := m.places.free(m.Taken, now)
		if free <= 0 || m.Fading && len(m.places.promised) == 0 {
			continue
		}
		inside := m.places.seats - free
		if best == nil || inside > most || inside == most && m.Match < best.Match {
			best, most = m, inside
		}
	}
	return best
}

// refreshLocked asks all nodes for their open matches of a game, unless that was done just now.
func (n *Node) refreshLocked(ctx context.Context, game string, now time.Time) {
	l := &n.lobby
	others := n.others()
	if now.Sub(l.asked[game]) < lobbyFresh {
		others = nil
	}
	ctx, cancel := context.WithTimeout(ctx, lobbyAsk)
	defer cancel()
	nodes := append(others, n.id) // this node's own are always fresh
	lists := make([][]openMatch, len(nodes))
	var all sync.WaitGroup
	for i, node := range nodes {
		all.Go(func() {
			got, err := ask[gotOpen](ctx, n, node, "open", askOpen{game})
			if err != nil {
				n.cfg.Log.Debug("open matches", "node", node, "err", err)
			}
			lists[i] = got.Matches
		})
	}
	all.Wait()
	if len(others) > 0 {
		l.asked[game] = time.Now() // from the last answer on: else every player would wait anew for a node that does not answer
	}
	for i, list := range lists {
		for _, m := range list {
			known := l.matches[m.Match]
			if known == nil {
				known = &openMatch{Match: m.Match, Game: game}
				l.matches[m.Match] = known
			}
			known.Seats, known.Taken, known.Fading, known.owner, known.seen = m.Seats, m.Taken, m.Fading, nodes[i], now
			known.places.seats = m.Seats
		}
	}
	for id, m := range l.matches {
		r, ok := n.dir.Get(id)
		mine := m.owner == n.id && m.Game == game // of which all were named just now
		if now.Sub(m.seen) > lobbyKeep || ok && !r.Live() || mine && m.seen != now {
			delete(l.matches, id)
		}
	}
}

// askOpen asks a node for its open matches of a game.
type askOpen struct {
	Game string `json:"game"`
}

type gotOpen struct {
	Matches []openMatch `json:"matches"`
}

func (n *Node) giveOpen(_ context.Context, _ string, in askOpen) (got gotOpen, err error) {
	for _, h := range n.matches.all() {
		i := h.match.Info()
		if h.open && i.Game == in.Game && i.Outcome == 0 {
			got.Matches = append(got.Matches, openMatch{Match: i.ID, Game: i.Game, Seats: i.Seats, Taken: i.Taken, Fading: fading(i)})
		}
	}
	return got, nil
}

// openLabel marks matches that quickplay may send players to: those that it made, and those that the admin API made so.
const openLabel = "open"

// fading reports whether a match is about to end for lack of players, so that a newcomer would come too late. One that
// nobody has entered yet waits for a minute.
func fading(i *loop.Info) bool {
	young := i.Phase == loop.Waiting && i.Tick < uint32(i.Hz)*30
	return i.Online == 0 && !young
}
