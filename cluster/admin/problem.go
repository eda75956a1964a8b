package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// problem is a sort of problem document that callers can tell by its type.
type problem struct {
	err    error
	status int
	kind   string
	again  bool // the same request may do better in a moment
}

// problems are the errors of a Node and of requests. Their types are part of the API: clients compare them.
var problems = []problem{
	{ErrNotFound, http.StatusNotFound, "not-found", false},
	{ErrNoNode, http.StatusNotFound, "no-such-node", false},
	{ErrNoPlayer, http.StatusNotFound, "no-such-player", false},
	{ErrOver, http.StatusConflict, "match-over", false},
	{ErrTicket, http.StatusNotFound, "no-such-ticket", false},
	{ErrPlayerBusy, http.StatusConflict, "player-busy", false},
	{ErrAssigned, http.StatusConflict, "ticket-assigned", false},
	{ErrGame, http.StatusBadRequest, "unknown-game", false},
	{ErrRegion, http.StatusUnprocessableEntity, "no-such-region", false},
	{ErrKeyReused, http.StatusUnprocessableEntity, "key-reused", false},
	{ErrLost, http.StatusGone, "lost", false},
	{ErrFull, http.StatusServiceUnavailable, "full", true},
	{ErrDraining, http.StatusServiceUnavailable, "draining", true},
	{ErrUnreachable, http.StatusServiceUnavailable, "unreachable", true},
	{ErrBusy, http.StatusServiceUnavailable, "busy", true},
	{ErrTooLarge, http.StatusRequestEntityTooLarge, "too-large", false},
	{errMediaType, http.StatusUnsupportedMediaType, "media-type", false},
	{errRate, http.StatusTooManyRequests, "rate-limited", true},
	{errKeyMissing, http.StatusUnauthorized, "unauthorized", false},
	{errRole, http.StatusForbidden, "forbidden", false},
	{errOrigin, http.StatusForbidden, "foreign-origin", false},
	{errHost, http.StatusMisdirectedRequest, "misdirected", false},
	{errNoPath, http.StatusNotFound, "no-such-path", false},
	{errMethod, http.StatusMethodNotAllowed, "method-not-allowed", false},
	{ErrInvalid, http.StatusBadRequest, "invalid", false}, // last: others may wrap it too
	{errInternal, http.StatusInternalServerError, "internal", false},
}

// Errors of requests.
var (
	errRate       = errors.New("too many requests from this address")
	errKeyMissing = errors.New("the header Authorization: Bearer KEY is missing or wrong")
	errRole       = errors.New("this key may only read")
	errOrigin     = errors.New("requests from other origins are refused")
	errHost       = errors.New("the Host header must name this listener")
	errNoPath     = errors.New("nothing is served at this path")
	errMethod     = errors.New("this path takes other methods")
	errInternal   = errors.New("see the log")
)

// typePrefix begins the types of our problem documents.
const typePrefix = "urn:overtime:problem:"

// Fail answers a request with the problem document of an error that wraps one of this package. It reports false, and answers
// nothing, for other errors.
func Fail(w http.ResponseWriter, err error) bool {
	p := problemOf(err)
	if p == nil {
		return false
	}
	if p.again {
		w.Header().Set("Retry-After", "1")
	}
	write(w, p.status, p.kind, err.Error())
	return true
}

func problemOf(err error) *problem {
	for i := range problems {
		if errors.Is(err, problems[i].err) {
			return &problems[i]
		}
	}
	return nil
}

// fail answers with what an operation's error means.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case Fail(w, err):
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		Fail(w, ErrUnreachable) // the caller left, or a node took too long
	default:
		s.cfg.Log.Error("admin request", "method", r.Method, "path", r.URL.Path, "err", err)
		Fail(w, errInternal)
	}
}

// plainKinds are the types of problems that say no more than their status.
var plainKinds = map[int]string{
	http.StatusBadRequest: "invalid", http.StatusUnauthorized: "unauthorized", http.StatusForbidden: "forbidden", http.StatusNotFound: "not-found",
	http.StatusMethodNotAllowed: "method-not-allowed", http.StatusRequestEntityTooLarge: "too-large", http.StatusTooManyRequests: "rate-limited",
	http.StatusUnsupportedMediaType: "media-type", http.StatusMisdirectedRequest: "misdirected", http.StatusInternalServerError: "internal",
	http.StatusServiceUnavailable: "busy", http.StatusConflict: "conflict",
}

// Problem answers a request with a problem document (RFC 9457) of the type that goes with its status. The player listener uses it
// too.
func Problem(w http.ResponseWriter, status int, detail string) {
	kind := plainKinds[status]
	if kind == "" {
		kind = "other"
	}
	write(w, status, kind, detail)
}

// problemDoc is a problem document.
type problemDoc struct {
	Type   string `json:"type" doc:"begins with urn:overtime:problem: and never changes: clients compare it"`
	Title  string `json:"title" doc:"the status in words"`
	Status int    `json:"status" min:"400" max:"599"`
	Detail string `json:"detail" doc:"what is wrong, for people"`
}

func write(w http.ResponseWriter, status int, kind, detail string) {
	writeJSON(w, status, "application/problem+json", problemDoc{typePrefix + kind, http.StatusText(status), status, detail})
}

// JSON answers a request with a value.
func JSON(w http.ResponseWriter, status int, v any) { writeJSON(w, status, "application/json", v) }

func writeJSON(w http.ResponseWriter, status int, kind string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		v, status, kind = problemDoc{typePrefix + "internal", "Internal Server Error", 500, "the answer cannot be encoded"}, 500, "application/problem+json"
		b, _ = json.Marshal(v) // four plain fields
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // an error means that nobody listens any more
}

// Read decodes a request's JSON body of at most limit bytes into v, which keeps its values where the body says nothing. An
// empty body is fine if optional. It answers the request and reports false if the body cannot be used.
func Read(w http.ResponseWriter, r *http.Request, limit int64, optional bool, v any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		Problem(w, http.StatusRequestEntityTooLarge, "the body is too large")
		return false
	case err != nil:
		Problem(w, http.StatusBadRequest, "the body could not be read")
		return false
	case len(body) == 0 && optional:
		return true
	case !isJSON(r):
		Problem(w, http.StatusUnsupportedMediaType, "the content type must be application/json")
		return false
	}
	if err := decode(body, v); err != nil {
		Problem(w, http.StatusBadRequest, err.Error())
		return false
	}
	return true
}

// isJSON reports whether a body is said to be JSON.
func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// decode is strict: one value, no fields that v does not have.
func decode(body []byte, v any) error {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return errors.New("the body cannot be used: " + strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("the body cannot be used: more than one JSON value")
	}
	return nil
}
