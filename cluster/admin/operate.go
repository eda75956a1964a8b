package admin

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// pathParts splits a path at its slashes, and decodes the parts.
func pathParts(r *http.Request) ([]string, error) {
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	for i := range parts {
		var err error
		if parts[i], err = url.PathUnescape(parts[i]); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// operate answers a request with an operation, here or on the node that has to answer. An error has not been answered yet.
func (s *Server) operate(w http.ResponseWriter, r *http.Request, route *Route, vars map[string]string) error {
	body, release, err := s.read(w, r, route)
	if err != nil {
		return err
	}
	defer release()
	hops, _ := r.Context().Value(passedOn{}).(int)
	look := route.at != nil && hops == 0
	for end := time.Now().Add(followTime); ; look = true {
		if look {
			node, err := route.at(r.Context(), vars["id"])
			if err != nil {
				return err
			}
			if node != "" {
				return s.forward(w, r, node, hops, body)
			}
		}
		err := s.answer(w, r, route, vars, body)
		if !errors.Is(err, ErrMoved) || hops >= maxHops || time.Now().After(end) {
			return err
		}
		select { // the node to which it goes may not have begun
		case <-r.Context().Done():
			return err
		case <-time.After(followEvery):
		}
	}
}

// A request about a match that is just going to another node follows it for so long.
const (
	followTime  = time.Second
	followEvery = 20 * time.Millisecond
)

// answer answers a request here.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, route *Route, vars map[string]string, body []byte) error {
	p := route.plan
	bind := func(in any) error {
		v := reflect.ValueOf(in).Elem()
		if err := p.bind(v, r, vars); err != nil {
			return err
		}
		return p.bindBody(v, r, body)
	}
	out, err := route.run(&Call{Context: r.Context(), Host: hostname(r.Host), Header: w.Header()}, bind)
	if err != nil {
		return err
	}
	if p.out == nil {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(route.status)
		return nil
	}
	JSON(w, route.status, out)
	return nil
}

// read reads a body within the bounds of one and of all. release gives its room back.
func (s *Server) read(w http.ResponseWriter, r *http.Request, route *Route) (body []byte, release func(), err error) {
	if route.plan.body < 0 || r.Body == nil || r.Body == http.NoBody {
		return nil, func() {}, nil
	}
	size := r.ContentLength
	if size > maxBody {
		return nil, nil, ErrTooLarge
	}
	if size < 0 {
		size = maxBody
	}
	if !s.bodies.take(size) {
		return nil, nil, ErrBusy
	}
	bodyTime(w, readBody)
	defer bodyTime(w, 0)
	body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		err = ErrTooLarge
	case err != nil:
		err = invalid("the body could not be read")
	default:
		return body, func() { s.bodies.give(size) }, nil
	}
	s.bodies.give(size)
	return nil, nil, err
}

// forward has another node answer. hops says how many nodes have passed the request on before.
func (s *Server) forward(w http.ResponseWriter, r *http.Request, node string, hops int, body []byte) error {
	q := Request{Method: r.Method, URI: r.URL.RequestURI(), Kind: r.Header.Get("Content-Type"), Body: body, Hops: hops}
	a, err := s.cfg.Node.Forward(r.Context(), node, q)
	if err != nil {
		return err
	}
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // an error means that nobody listens any more
	return nil
}
