package admin

import (
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

// problems are the errors of a Node. Their types are part of the API: clients compare them.
var problems = []problem{
	{ErrNotFound, http.StatusNotFound, "not-found", false},
	{ErrGame, http.StatusBadRequest, "unknown-game", false},
	{ErrRegion, http.StatusUnprocessableEntity, "no-such-region", false},
	{ErrKeyReused, http.StatusUnprocessableEntity, "key-reused", false},
	{ErrLost, http.StatusGone, "lost", false},
	{ErrFull, http.StatusServiceUnavailable, "full", true},
	{ErrDraining, http.StatusServiceUnavailable, "draining", true},
	{ErrUnreachable, http.StatusServiceUnavailable, "unreachable", true},
	{ErrInvalid, http.StatusBadRequest, "invalid", false},
}

// typePrefix begins the types of our problem documents.
const typePrefix = "urn:overtime:problem:"

// Fail answers a request with the problem document of an error that wraps one of this package. It reports false, and answers
// nothing, for other errors.
func Fail(w http.ResponseWriter, err error) bool {
	for _, p := range problems {
		if errors.Is(err, p.err) {
			if p.again {
				w.Header().Set("Retry-After", "1")
			}
			write(w, p.status, typePrefix+p.kind, err.Error())
			return true
		}
	}
	return false
}

// fail answers with what a Node's error means.
func (s *Server) fail(w http.ResponseWriter, err error) {
	if !Fail(w, err) {
		s.cfg.Log.Error("admin request", "err", err)
		Problem(w, http.StatusInternalServerError, "see the log")
	}
}

// Problem answers a request with a problem document (RFC 9457) that says no more than its status. The player listener uses it
// too.
func Problem(w http.ResponseWriter, status int, detail string) {
	write(w, status, "about:blank", detail)
}

func write(w http.ResponseWriter, status int, kind, detail string) {
	writeJSON(w, status, "application/problem+json", map[string]any{
		"type": kind, "title": http.StatusText(status), "status": status, "detail": detail,
	})
}

// JSON answers a request with a value.
func JSON(w http.ResponseWriter, status int, v any) { writeJSON(w, status, "application/json", v) }

func writeJSON(w http.ResponseWriter, status int, kind string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "answer cannot be encoded", http.StatusInternalServerError)
		return
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

// isJSON asks for the content type that no HTML form can send.
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
