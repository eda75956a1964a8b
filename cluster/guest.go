package cluster

import (
	"net/http"
	"strings"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/netcode/token"
)

// guestLife is how long a guest's token is good for.
const guestLife = 7 * 24 * time.Hour

// askGuest is the body of POST /v1/guest.
type askGuest struct {
	Name string `json:"name"`
}

func (n *Node) guest(w http.ResponseWriter, r *http.Request) {
	var ask askGuest
	if !admin.Read(w, r, maxAsk, true, &ask) {
		return
	}
	if n.cfg.NoGuests {
		admin.Problem(w, http.StatusForbidden, "guests may not play here")
		return
	}
	g := newGuest(ask.Name)
	signed, err := n.keys.SignGuest(g)
	if err != nil {
		n.broken(w, err)
		return
	}
	admin.JSON(w, http.StatusOK, map[string]string{"player_id": g.ID, "token": signed})
}

func newGuest(name string) token.Guest {
	return token.Guest{ID: newID("g"), Name: guestName(name), Expiry: time.Now().Add(guestLife)}
}

// guestName makes a name that can be shown.
func guestName(name string) string {
	if name = token.CleanName(name); name == "" {
		return "Guest"
	}
	return name
}

// identify finds out who asks: a guest with his token, or a new guest. It answers the request itself if neither may be.
func (n *Node) identify(w http.ResponseWriter, r *http.Request, name string) (g token.Guest, ok bool) {
	if n.cfg.NoGuests { // those from before too
		admin.Problem(w, http.StatusForbidden, "guests may not play here")
		return g, false
	}
	bearer, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !given {
		return newGuest(name), true
	}
	g, err := n.keys.VerifyGuest(bearer, time.Now())
	if err != nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		admin.Problem(w, http.StatusUnauthorized, "the guest's token is wrong or has expired")
		return g, false
	}
	if name != "" {
		g.Name = guestName(name)
	}
	return g, true
}
