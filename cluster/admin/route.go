package admin

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// Role is what a key lets its bearer do.
type Role uint8

// Roles, each with the rights of the ones before.
const (
	RoleNone    Role = iota
	RoleRead         // see everything that is no secret
	RoleOperate      // change everything
)

func (r Role) String() string { return [...]string{"none", "read", "operate"}[r] }

// Route is one operation of the API: what the router, the check of roles, the reading of requests, the 405s and the API document
// are made from. Make one with [Op] or [Raw], then name its errors with Fails.
type Route struct {
	// static after New
	id      string // operationId
	method  string
	path    string
	parts   []string // of path; {name} takes any one
	status  int      // of success
	summary string
	role    Role
	fails   []error                                                       // of a Node, besides those that every operation can have
	at      func(ctx context.Context, id string) (node string, err error) // nil: answered here
	run     func(c *Call, bind func(in any) error) (out any, err error)
	in, out reflect.Type
	plan    *plan        // made by New
	raw     http.Handler // instead of run
	kind    string       // content type of raw
}

// Call is one request as its operation sees it. As a context it ends with the request.
type Call struct {
	context.Context
	Host   string      // name under which the caller reached this listener, without the port
	Header http.Header // of the answer
}

// Nothing is what an operation answers that has no body.
type Nothing struct{}

// Op makes the route of an operation. pattern is METHOD and path, with {name} for a parameter. status is that of success. GET is for both
// roles, everything else for RoleOperate.
//
// In is a struct that the request is read into. Its fields are tagged path:"name", query:"name" (string, int or []string for one that
// may come again) or header:"Name", and at most one of them body:"required" or body:"optional". Out is what is answered as JSON, or
// [Nothing]. The tags doc, min, max, enum, pattern, need, names and values, here and on the fields of the body's type, are shown in the API
// document and hold before f is called (see schema.tagged); a list in Out must not be nil. f may be called by many goroutines at once; an
// error that wraps one of this package gets that one's problem document, every other is logged and answered with 500.
func Op[In, Out any](id, pattern string, status int, summary string, f func(c *Call, in In) (Out, error)) Route {
	r := route(id, pattern, status, summary)
	r.in, r.out = reflect.TypeFor[In](), reflect.TypeFor[Out]()
	r.run = func(c *Call, bind func(any) error) (any, error) {
		var in In
		if err := bind(&in); err != nil {
			return nil, err
		}
		return f(c, in)
	}
	return r
}

// Raw makes a route of a handler that answers with something else than JSON. A path that ends with a slash takes all below it.
// Without an id it is not in the API document.
func Raw(id, pattern, kind, summary string, h http.Handler) Route {
	r := route(id, pattern, http.StatusOK, summary)
	r.raw, r.kind = h, kind
	return r
}

func route(id, pattern string, status int, summary string) Route {
	method, path, _ := strings.Cut(pattern, " ")
	r := Route{id: id, method: method, path: path, status: status, summary: summary, role: RoleOperate, parts: strings.Split(path[1:], "/")}
	if method == http.MethodGet {
		r.role = RoleRead
	}
	return r
}

// Fails returns the route with the errors of this package that it may answer with, besides [ErrInvalid] where it takes anything.
func (r Route) Fails(errs ...error) Route {
	r.fails = append(slices.Clone(r.fails), errs...)
	return r
}

// At returns the route as one that another node answers: the one that owner returns for the path's {id}, "" for this one. A request that was
// passed on is answered by the node that it came to.
func (r Route) At(owner func(ctx context.Context, id string) (node string, err error)) Route {
	r.at = owner
	return r.Fails(ErrUnreachable)
}

// Only returns the route for a role.
func (r Route) Only(role Role) Route {
	r.role = role
	return r
}

// match reports whether a path's parts are the route's, and what its parameters are.
func (r *Route) match(parts []string) (vars map[string]string, exact int, ok bool) {
	prefix := len(r.parts) > 1 && r.parts[len(r.parts)-1] == ""
	if len(parts) != len(r.parts) && !(prefix && len(parts) > len(r.parts)) {
		return nil, 0, false
	}
	for i, p := range r.parts {
		switch {
		case prefix && i == len(r.parts)-1:
		case strings.HasPrefix(p, "{") && parts[i] != "":
			if vars == nil {
				vars = map[string]string{}
			}
			vars[p[1:len(p)-1]] = parts[i]
		case p != parts[i]:
			return nil, 0, false
		default:
			exact++
		}
	}
	return vars, exact, true
}

// table is all operations.
type table []*Route

// find returns the route of a request; without one, the methods that its path takes.
func (t table) find(method string, parts []string) (best *Route, vars map[string]string, allowed []string) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	most := -1
	for _, r := range t {
		v, exact, ok := r.match(parts)
		switch {
		case !ok:
		case r.method != method:
			allowed = append(allowed, r.method)
		case exact > most:
			best, vars, most = r, v, exact
		}
	}
	return best, vars, allowed
}

// newTable compiles routes. It panics over a table that makes no sense, which no input can bring about.
func newTable(routes []Route, s *schemas) table {
	t := make(table, 0, len(routes))
	seen := map[string]bool{}
	for _, r := range routes {
		if r.id != "" && (seen[r.id] || r.summary == "") || seen[r.method+" "+r.path] {
			panic(fmt.Sprintf("admin: route %s %s is there twice, or says nothing", r.method, r.path))
		}
		seen[r.id], seen[r.method+" "+r.path] = true, true
		if r.run != nil {
			r.plan = newPlan(&r, s)
		}
		t = append(t, &r)
	}
	return t
}
