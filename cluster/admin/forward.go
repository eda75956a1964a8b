package admin

import (
	"bytes"
	"context"
	"net/http"
)

// Request is an API request on its way to the node that answers it. Whoever asks has been let in by the node that passes it on.
type Request struct {
	Method string `json:"method"`
	URI    string `json:"uri"` // path and query
	Kind   string `json:"kind,omitempty"`
	Body   []byte `json:"body,omitempty"` // at most 256 KiB
	Hops   int    `json:"hops,omitempty"` // nodes that have passed it on before
}

// Response is the answer to a Request.
type Response struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`
}

// passedOn marks the context of a request that another node has passed on: this one answers, unless the match has just left it. Its value is
// how many nodes have passed it on.
type passedOn struct{}

// maxHops bounds how often a request follows a match from node to node.
const maxHops = 4

// Answer answers a request that another node has passed on. Any goroutine may call it.
func (s *Server) Answer(ctx context.Context, q Request) Response {
	r, err := http.NewRequestWithContext(context.WithValue(ctx, passedOn{}, q.Hops+1), q.Method, q.URI, bytes.NewReader(q.Body))
	if err != nil {
		return Response{Status: http.StatusBadRequest}
	}
	if q.Kind != "" {
		r.Header.Set("Content-Type", q.Kind)
	}
	w := &recorder{Response{Status: http.StatusOK, Header: http.Header{}}}
	s.serve(w, r, RoleOperate)
	return w.Response
}

// recorder is the http.ResponseWriter of an answer that goes to another node.
type recorder struct{ Response }

func (w *recorder) Header() http.Header    { return w.Response.Header }
func (w *recorder) WriteHeader(status int) { w.Status = status }

func (w *recorder) Write(b []byte) (int, error) {
	w.Body = append(w.Body, b...)
	return len(b), nil
}
