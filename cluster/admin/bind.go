package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// param is one parameter of an operation.
type param struct {
	field  int
	where  string // path, query or header
	name   string
	schema *schema
	need   bool
}

// plan is how a request is read into an operation's In, and what is answered.
type plan struct {
	params   []param
	body     int     // field; -1: none
	schema   *schema // of the body
	optional bool    // the body
	out      *schema // nil: no body
}

func newPlan(r *Route, s *schemas) *plan {
	p := &plan{body: -1}
	for i := range r.in.NumField() {
		f := r.in.Field(i)
		if v := f.Tag.Get("body"); v != "" {
			p.body, p.optional, p.schema = i, v == "optional", s.tagged(f, true)
			continue
		}
		for _, where := range []string{"path", "query", "header"} {
			if name := f.Tag.Get(where); name != "" {
				p.params = append(p.params, param{i, where, name, s.tagged(f, true), where == "path" || f.Tag.Get("need") != ""})
			}
		}
	}
	if r.out != reflect.TypeFor[Nothing]() {
		p.out = s.of(r.out, false)
	}
	return p
}

// bind reads the parameters of a request, and checks them.
func (p *plan) bind(v reflect.Value, r *http.Request, vars map[string]string) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return invalid("the query is malformed")
	}
	for name := range query {
		if !slices.ContainsFunc(p.params, func(x param) bool { return x.where == "query" && x.name == name }) {
			return invalid(fmt.Sprintf("unknown query parameter %.40q", name))
		}
	}
	for i := range p.params {
		x := &p.params[i]
		var given []string
		switch x.where {
		case "path":
			given = []string{vars[x.name]}
		case "query":
			given = query[x.name]
		case "header":
			given = r.Header.Values(x.name)
		}
		if err := x.set(v.Field(x.field), given); err != nil {
			return invalid(err.Error())
		}
	}
	return nil
}

// set checks what was given for a parameter and stores it.
func (x *param) set(f reflect.Value, given []string) error {
	at := x.where + " parameter " + x.name
	if x.where == "header" {
		at = "the header " + x.name
	}
	if f.Kind() == reflect.Slice {
		list := make([]any, len(given))
		for i := range given {
			list[i] = given[i]
		}
		f.Set(reflect.ValueOf(given))
		return x.schema.check(list, at)
	}
	switch {
	case len(given) > 1:
		return wrong(at, "is there %d times", len(given))
	case len(given) == 0 && x.need:
		return wrong(at, "is missing")
	case len(given) == 0:
		return nil
	}
	return x.one(f, given[0], at)
}

func (x *param) one(f reflect.Value, given, at string) error {
	if f.Kind() == reflect.String {
		f.SetString(given)
		return x.schema.check(given, at)
	}
	if !json.Valid([]byte(given)) || strings.TrimSpace(given) != given {
		return wrong(at, "must be a %s", x.schema.Types[0])
	}
	v, err := parse([]byte(given))
	if err == nil {
		err = x.schema.check(v, at)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(given), f.Addr().Interface())
}

// bindBody reads the body, checks it, and leaves the field as it is where an optional one is empty.
func (p *plan) bindBody(v reflect.Value, r *http.Request, body []byte) error {
	switch {
	case p.body < 0 || len(body) == 0 && p.optional:
		return nil
	case !isJSON(r):
		return errMediaType
	case len(body) == 0:
		return invalid("the body is missing")
	}
	parsed, err := parse(body)
	if err == nil {
		err = p.schema.check(parsed, "")
	}
	if err == nil {
		err = json.Unmarshal(body, v.Field(p.body).Addr().Interface())
	}
	if err != nil {
		return invalid("the body cannot be used: " + strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// invalid is what is wrong with a request; it is an ErrInvalid.
type invalid string

func (e invalid) Error() string { return string(e) }
func (e invalid) Unwrap() error { return ErrInvalid }

// errMediaType asks for the content type that no HTML form can send.
var errMediaType = errors.New("the content type must be application/json")
