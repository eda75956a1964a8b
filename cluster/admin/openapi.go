package admin

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// openAPI answers with the API document.
func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(s.document) // an error means that nobody listens any more
}

// obj is a JSON object of the document.
type obj = map[string]any

// document describes the operations of a table as OpenAPI 3.1.
func document(t table, known *schemas, version string) []byte {
	problem := known.of(reflect.TypeFor[problemDoc](), false)
	paths := map[string]obj{}
	for _, r := range t {
		if r.id == "" {
			continue
		}
		if paths[r.path] == nil {
			paths[r.path] = obj{}
		}
		paths[r.path][strings.ToLower(r.method)] = r.describe(problem)
	}
	if version == "" {
		version = "0"
	}
	b, err := json.Marshal(obj{
		"openapi": "3.1.0",
		"info": obj{
			"title": "Overtime admin API", "version": version,
			"description": "Lists have next where there is more: pass it as after. Errors are problem documents (RFC 9457); compare their type. " +
				"Requests about a match may be sent to any node.",
		},
		"security": []obj{{"key": []string{}}, {}},
		"paths":    paths,
		"components": obj{
			"schemas": known.all,
			"securitySchemes": obj{"key": obj{
				"type": "http", "scheme": "bearer",
				"description": "OVERTIME_ADMIN_KEY for everything, OVERTIME_ADMIN_READ_KEY for GET; none where the node has none, on loopback",
			}},
		},
	})
	if err != nil {
		panic(err) // a schema that is no JSON
	}
	return append(b, '\n')
}

// describe is the operation object of a route.
func (r *Route) describe(problem *schema) obj {
	op := obj{"operationId": r.id, "summary": r.summary, "tags": []string{r.tag()}, "x-role": r.role.String()}
	responses := obj{strconv.Itoa(r.status): r.success()}
	for status, kinds := range r.failures() {
		responses[strconv.Itoa(status)] = obj{
			"description": "type " + strings.Join(kinds, ", "),
			"content":     obj{"application/problem+json": obj{"schema": problem}},
		}
	}
	op["responses"] = responses
	if r.plan == nil {
		return op
	}
	params := []obj{}
	for _, p := range r.plan.params {
		x := *p.schema
		doc := x.Doc
		x.Doc = ""
		o := obj{"name": p.name, "in": p.where, "schema": &x}
		if p.need {
			o["required"] = true
		}
		if doc != "" {
			o["description"] = doc
		}
		params = append(params, o)
	}
	op["parameters"] = params
	if r.plan.body >= 0 {
		op["requestBody"] = obj{
			"required": !r.plan.optional,
			"content":  obj{"application/json": obj{"schema": r.plan.schema}},
		}
	}
	return op
}

// tag groups operations by the first word after the version.
func (r *Route) tag() string {
	for _, p := range r.parts {
		if p != "v1" {
			return strings.TrimSuffix(p, ".json")
		}
	}
	return "other"
}

func (r *Route) success() obj {
	answer := obj{"description": http.StatusText(r.status)}
	if r.raw != nil {
		answer["content"] = obj{r.kind: obj{}}
	} else if r.plan.out != nil {
		answer["content"] = obj{"application/json": obj{"schema": r.plan.out}}
	}
	return answer
}

// failures are the types of problems that a route may answer with, by status.
func (r *Route) failures() map[int][]string {
	errs := append([]error{errKeyMissing, errOrigin, errHost, errRate, errInternal}, r.fails...)
	if r.role > RoleRead {
		errs = append(errs, errRole)
	}
	if r.plan != nil {
		errs = append(errs, ErrInvalid)
	}
	if r.plan != nil && r.plan.body >= 0 {
		errs = append(errs, ErrInvalid, errMediaType, ErrTooLarge, ErrBusy)
	}
	byStatus := map[int]map[string]bool{}
	for _, err := range errs {
		p := problemOf(err)
		if byStatus[p.status] == nil {
			byStatus[p.status] = map[string]bool{}
		}
		byStatus[p.status][typePrefix+p.kind] = true
	}
	list := map[int][]string{}
	for status, kinds := range byStatus {
		list[status] = slices.Sorted(maps.Keys(kinds))
	}
	return list
}
