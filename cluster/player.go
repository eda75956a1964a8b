package cluster

import (
	"bytes"
	"net/http"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/netcode"
	"github.com/overtime-server/overtime/netcode/web"
)

// Limits of the player listener's calls.
const (
	maxAsk    = 4 << 10          // bytes of a request's body
	placeLife = 10 * time.Minute // of a player token from quickplay

	// What one address may ask of guest and quickplay: so many requests a second, so many at once. A school behind one address still gets in;
	// a script does not fill the node with matches.
	askRate  = 10
	askBurst = 60
	askFrom  = 16 << 10 // addresses in each of the limiter's two tables
)

// routes is the player listener.
func (n *Node) routes(origins *netcode.Origins) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !n.ready() {
			plain(w, http.StatusServiceUnavailable, "not ready")
			return
		}
		plain(w, http.StatusOK, "ready")
	})
	api := http.NewServeMux()
	api.HandleFunc("POST /v1/guest", n.limited(n.guest))
	api.HandleFunc("POST /v1/quickplay", n.limited(n.quickplay))
	api.HandleFunc("GET /v1/route", n.route)
	api.HandleFunc("GET /v1/maps/{hash}", n.mapByHash)
	api.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { admin.NotHere(w, r, api) })
	mux.Handle("/v1/", origins.CORS(api))
	mux.Handle("GET /v1/play", n.edge) // checks the origin itself
	mux.Handle("/", web.Handler())
	return mux
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // an error means that nobody listens any more
}

// limited is the rate limit per address.
func (n *Node) limited(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !n.limiter.Allow(r) {
			tooMany(w)
			return
		}
		next(w, r)
	}
}

func tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	admin.Problem(w, http.StatusTooManyRequests, "too many requests from this address")
}

// broken answers for what should not happen.
func (n *Node) broken(w http.ResponseWriter, err error) {
	n.cfg.Log.Error("player request", "err", err)
	admin.Problem(w, http.StatusInternalServerError, "see the server's log")
}

// mapByHash serves what never changes under its hash, so whoever has it need not ask again.
func (n *Node) mapByHash(w http.ResponseWriter, r *http.Request) {
	hash := r.PathValue("hash")
	body, text := n.matches.mapBody(hash)
	if body == nil {
		admin.Problem(w, http.StatusNotFound, "no running match has this map")
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", `"`+hash+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Type", "application/octet-stream")
	if text {
		h.Set("Content-Type", "application/json")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// unavailable answers for a match that could not be made or found.
func (n *Node) unavailable(w http.ResponseWriter, err error) {
	if !admin.Fail(w, err) {
		n.broken(w, err)
	}
}
