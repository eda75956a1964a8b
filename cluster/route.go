package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/directory"
	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/netcode"
)

// route answers GET /v1/route: where a match is played.
func (n *Node) route(w http.ResponseWriter, r *http.Request) {
	match := r.URL.Query().Get("match")
	if _, known := n.dir.Get(match); !known && !n.limiter.Allow(r) { // others are asked: guesses must not take up all questions
		tooMany(w)
		return
	}
	rec, err := n.live(r.Context(), match)
	if err != nil {
		n.unavailable(w, err)
		return
	}
	owner, next := n.playedOn(rec)
	url, err := n.playersURL(owner, r)
	if err != nil {
		admin.Problem(w, http.StatusBadRequest, err.Error())
		return
	}
	standby := ""
	if next != "" {
		standby, _ = n.playersURL(next, r) // the same request named a host just now
	}
	admin.JSON(w, http.StatusOK, struct {
		URL     string `json:"url"`
		Standby string `json:"standby_url"`
		Epoch   uint32 `json:"epoch"`
	}{url, standby, rec.Since})
}

// playedOn returns the node that players of a match are sent to, and the one that they may need next. Where the owner is probably gone
// that is the standby: until it takes over it lets them wait.
func (n *Node) playedOn(r directory.Record) (node, next string) {
	if r.Standby != "" && n.deserted(r) {
		return r.Standby, ""
	}
	return r.Owner, r.Standby
}

// live finds the record of a match that is running.
func (n *Node) live(ctx context.Context, match string) (directory.Record, error) {
	w, err := n.find(ctx, match)
	if err == nil && !w.record.Live() || err == nil && w.record.Match == "" {
		err = admin.ErrNotFound
	}
	return w.record, err
}

// playersURL is where players of a node's matches connect, for whoever made a request to this one.
func (n *Node) playersURL(node string, r *http.Request) (string, error) {
	if node != n.id {
		if x, ok := n.node(node); ok && x.Meta.URL != "" {
			return x.Meta.URL, nil
		}
	}
	if n.meta.URL != "" {
		return n.meta.URL, nil
	}
	return requestURL(r)
}

// playURL is where whoever made a request connects to this node.
func (n *Node) playURL(r *http.Request) (string, error) { return n.playersURL(n.id, r) }

// hushed is how long a node may be quiet before its standby believes that players come here because it is gone.
const hushed = 150 * time.Millisecond

// routeTo is the edge's question where a match is that is not here. It may wait until ctx is over: a standby that is about to
// take over lets those wait who come too early.
func (n *Node) routeTo(ctx context.Context, match string, epoch uint32) (netcode.Route, error) {
	for began := time.Now(); ; {
		rec, err := n.live(ctx, match)
		switch {
		case errors.Is(err, admin.ErrNotFound):
			return netcode.Route{}, netcode.ErrUnknownMatch
		case err != nil:
			return netcode.Route{}, netcode.ErrBusy
		}
		h := n.matches.get(match)
		if rec.Owner == n.id && h != nil && h.match.Config().Epoch >= epoch {
			return netcode.Route{Here: true}, nil
		}
		switch gone := n.deserted(rec); {
		case rec.Owner == n.id || rec.Since < epoch: // news are on their way
		case !gone && epoch > 0 && n.holds(match) && time.Since(began) < moveWait: // sent here by an owner that has just given it up
		case !gone:
			return n.wayTo(rec.Owner)
		case rec.Standby != n.id && rec.Standby != "":
			return n.wayTo(rec.Standby)
		}
		select {
		case <-ctx.Done():
			return netcode.Route{}, netcode.ErrBusy
		case <-time.After(waitAgain):
		}
	}
}

// moveWait is how long a player who comes back to a match is kept at a node that has a copy of it: he may have been quicker than the news
// that the match is played there now.
const moveWait = 150 * time.Millisecond

// holds says whether this node has a copy of a match.
func (n *Node) holds(match string) bool {
	d := n.duties.get([]byte(match))
	return d != nil && d.copies.Load()
}

// waitAgain is how often a player who waits for a match is looked after.
const waitAgain = 20 * time.Millisecond

// deserted says that the owner of a match is probably gone: the link to it broke, or it is its standby that hears nothing.
func (n *Node) deserted(r directory.Record) bool {
	if r.Owner == n.id || n.links == nil {
		return false
	}
	if x, ok := n.node(r.Owner); !ok || x.State == member.Dead {
		return true
	}
	n.mu.Lock()
	broken := n.cutOff[r.Owner]
	n.mu.Unlock()
	return broken || r.Standby == n.id && n.links.Silent(r.Owner) > hushed
}

// wayTo is how players get to another node.
func (n *Node) wayTo(node string) (netcode.Route, error) {
	x, ok := n.node(node)
	switch {
	case !ok:
		return netcode.Route{}, netcode.ErrBusy
	case x.Meta.URL != "" && !n.cfg.Proxy:
		return netcode.Route{URL: x.Meta.URL}, nil
	}
	return netcode.Route{Dial: func(ctx context.Context) (net.Conn, error) {
		t, err := n.links.TLSFor(node)
		if err != nil {
			return nil, err
		}
		c, err := n.cfg.net.dial(ctx, "tcp", x.Meta.Link)
		if err != nil {
			return nil, err
		}
		secured := tls.Client(c, t)
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = c.Close()
			return nil, err
		}
		return secured, nil
	}}, nil
}
