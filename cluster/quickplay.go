package cluster

import (
	"net/http"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/game"
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
	var ask askQuickplay
	if !admin.Read(w, r, maxAsk, true, &ask) {
		return
	}
	url, err := n.playURL(r)
	if err != nil {
		admin.Problem(w, http.StatusBadRequest, err.Error())
		return
	}
	g, ok := n.identify(w, r, ask.Name)
	if !ok {
		return
	}
	def, err := n.game(ask.Game)
	if err != nil {
		n.unavailable(w, err)
		return
	}
	h, err := n.place(def, g.ID)
	if err != nil {
		n.unavailable(w, err)
		return
	}
	signed, err := n.keys.SignPlayer(token.Player{
		Match: h.match.ID(), ID: g.ID, Name: g.Name, Bot: ask.Bot, Expiry: time.Now().Add(placeLife),
	})
	if err != nil {
		n.broken(w, err)
		return
	}
	admin.JSON(w, http.StatusOK, map[string]string{"match_id": h.match.ID(), "url": url, "token": signed, "player_id": g.ID})
}

// place finds a seat for a player in the fullest match that has one, or makes a match.
func (n *Node) place(def game.Def, player string) (*hosted, error) {
	n.placing.Lock()
	defer n.placing.Unlock()
	now := time.Now()
	var best *hosted
	most := 0
	for _, h := range n.matches.all() {
		i := h.match.Info()
		if !h.open || i.Game != def.Name || n.stopping {
			continue
		}
		free := h.places.free(i.Taken, now)
		if free <= 0 || fading(i, len(h.places.promised)) {
			continue
		}
		inside := i.Seats - free
		if best == nil || inside > most || inside == most && i.ID < best.match.ID() {
			best, most = h, inside
		}
	}
	if best == nil {
		var err error
		if best, err = n.hostLocked(def, admin.MatchSpec{Labels: map[string]string{openLabel: "true"}}); err != nil {
			return nil, err
		}
	}
	best.places.promise(player, now)
	return best, nil
}

// openLabel marks matches that quickplay may send players to: those that it made, and those that the admin API made so.
const openLabel = "open"

// fading reports whether a match is about to end for lack of players, so that a newcomer would come too late. One that
// nobody has entered yet waits for a minute.
func fading(i *loop.Info, promised int) bool {
	if i.Outcome != 0 {
		return true
	}
	young := i.Phase == loop.Waiting && i.Tick < uint32(i.Hz)*30
	return i.Online == 0 && promised == 0 && !young
}
