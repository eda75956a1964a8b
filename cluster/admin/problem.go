package admin

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// Problem answers a request with a problem document (RFC 9457). The player listener uses it too.
func Problem(w http.ResponseWriter, status int, detail string) {
	writeJSON(w, status, "application/problem+json", map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail,
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
