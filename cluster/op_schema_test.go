package cluster

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// oracle reads the schemas of an API document by itself: it knows nothing of how the document was made.
type oracle struct {
	doc  map[string]any
	rand *rand.Rand
}

type object = map[string]any

// resolve follows references.
func (o *oracle) resolve(s object) object {
	for {
		ref, ok := s["$ref"].(string)
		if !ok {
			return s
		}
		at := o.doc
		for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
			at, _ = at[part].(object)
		}
		if at == nil {
			panic("unresolved " + ref)
		}
		s = at
	}
}

func kinds(s object) []string {
	switch t := s["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var list []string
		for _, x := range t {
			list = append(list, x.(string))
		}
		return list
	}
	return nil
}

func limit(s object, name string, def int) int {
	if v, ok := s[name].(json.Number); ok {
		n, _ := v.Int64()
		return int(n)
	}
	return def
}

func bigInt(s object, name string) *big.Int {
	v, _ := s[name].(json.Number)
	if b, ok := new(big.Int).SetString(string(v), 10); ok {
		return b
	}
	return nil
}

// check reports in what a value differs from a schema, "" for nothing.
func (o *oracle) check(s object, v any) string {
	s = o.resolve(s)
	types := kinds(s)
	if len(types) == 0 {
		return ""
	}
	if is := kindOf(v, types); !slices.Contains(types, is) {
		return fmt.Sprintf("type %s, not %v", is, types)
	}
	switch v := v.(type) {
	case json.Number:
		f, _, err := big.ParseFloat(string(v), 10, 200, big.ToNearestEven)
		if err != nil {
			return err.Error()
		}
		if least := bigInt(s, "minimum"); least != nil && f.Cmp(new(big.Float).SetInt(least)) < 0 {
			return "too small"
		}
		if most := bigInt(s, "maximum"); most != nil && f.Cmp(new(big.Float).SetInt(most)) > 0 {
			return "too large"
		}
	case string:
		return o.checkString(s, v)
	case []any:
		if len(v) < limit(s, "minItems", 0) || len(v) > limit(s, "maxItems", 1<<30) {
			return "number of items"
		}
		for i, x := range v {
			if why := o.check(s["items"].(object), x); why != "" {
				return fmt.Sprintf("[%d] %s", i, why)
			}
		}
	case object:
		return o.checkObject(s, v)
	}
	return ""
}

// kindOf is the type of a value in the terms of a schema.
func kindOf(v any, types []string) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case json.Number:
		if _, whole := new(big.Int).SetString(string(v), 10); whole && slices.Contains(types, "integer") {
			return "integer"
		}
		return "number"
	}
	return "object"
}

func (o *oracle) checkString(s object, v string) string {
	n := utf8.RuneCountInString(v)
	if n < limit(s, "minLength", 0) || n > limit(s, "maxLength", 1<<30) {
		return "length"
	}
	if e, ok := s["enum"].([]any); ok && !slices.Contains(e, any(v)) {
		return fmt.Sprintf("%q is not in the enum", v)
	}
	if p, ok := s["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(v) {
		return "pattern"
	}
	if s["format"] == "date-time" {
		if _, err := time.Parse(time.RFC3339Nano, v); err != nil {
			return err.Error()
		}
	}
	return ""
}

func (o *oracle) checkObject(s, v object) string {
	props, _ := s["properties"].(object)
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := v[name.(string)]; !ok {
			return fmt.Sprintf("%s is missing", name)
		}
	}
	if len(v) > limit(s, "maxProperties", 1<<30) {
		return "number of properties"
	}
	for name, x := range v {
		sub, ok := props[name].(object)
		if !ok && props != nil {
			return name + " is not in the schema" // also where more would be allowed: the document is to be complete
		}
		if !ok {
			sub = s["additionalProperties"].(object)
		}
		if names, ok := s["propertyNames"].(object); ok && o.check(names, name) != "" {
			return "name " + name
		}
		if why := o.check(sub, x); why != "" {
			return name + ": " + why
		}
	}
	return ""
}

// valid makes a value that fits a schema.
func (o *oracle) valid(s object, depth int) any {
	s = o.resolve(s)
	types := kinds(s)
	if len(types) == 0 {
		return o.anything(depth)
	}
	switch types[o.rand.IntN(len(types))] {
	case "boolean":
		return o.rand.IntN(2) == 0
	case "integer":
		return o.integer(s)
	case "number":
		if o.rand.IntN(2) == 0 {
			return o.integer(s)
		}
		return json.Number("12.5e1")
	case "string":
		return o.text(s)
	case "array":
		list := []any{}
		for range between(o.rand, limit(s, "minItems", 0), min(limit(s, "maxItems", 4), 4)) {
			list = append(list, o.valid(s["items"].(object), depth+1))
		}
		return list
	case "object":
		return o.object(s, depth)
	}
	return nil // null
}

func between(r *rand.Rand, least, most int) int { return least + r.IntN(max(1, most-least+1)) }

func (o *oracle) integer(s object) any {
	least, most := bigInt(s, "minimum"), bigInt(s, "maximum")
	switch o.rand.IntN(4) {
	case 0:
		return json.Number(least.String())
	case 1:
		return json.Number(most.String())
	}
	span := new(big.Int).Sub(most, least)
	at := new(big.Int).Rem(new(big.Int).SetUint64(o.rand.Uint64()), span.Add(span, big.NewInt(1)))
	return json.Number(at.Add(at, least).String())
}

func (o *oracle) text(s object) string {
	if e, ok := s["enum"].([]any); ok {
		return e[o.rand.IntN(len(e))].(string)
	}
	n := between(o.rand, limit(s, "minLength", 0), min(limit(s, "maxLength", 12), 12))
	if o.rand.IntN(8) == 0 {
		n = limit(s, "maxLength", 12)
	}
	letters := []rune("abc09 _-./%?#&=+:\"\\<ü語😀\x00\n")
	switch s["pattern"] {
	case nil:
	case "^[!-~]+$", "^[!-~]*$":
		letters = []rune("abcXYZ019!~/%?#")
	case "^(|[0-9]{1,15}[.][!-~]{0,64})$":
		return fmt.Sprintf("%d.%s", o.rand.Int64N(1e15), strings.Repeat("m", o.rand.IntN(65)))
	case "^[0-9]+(ms|s)$":
		return fmt.Sprint(o.rand.IntN(4), "ms")
	default:
		panic(fmt.Sprint("teach the test the pattern ", s["pattern"]))
	}
	b := make([]rune, n)
	for i := range b {
		b[i] = letters[o.rand.IntN(len(letters))]
	}
	return string(b)
}

func (o *oracle) object(s object, depth int) object {
	v := object{}
	props, _ := s["properties"].(object)
	required, _ := s["required"].([]any)
	for name, sub := range props {
		if slices.Contains(required, any(name)) || o.rand.IntN(3) == 0 {
			v[name] = o.valid(sub.(object), depth+1)
		}
	}
	if extra, ok := s["additionalProperties"].(object); ok {
		names, _ := s["propertyNames"].(object)
		for range o.rand.IntN(min(limit(s, "maxProperties", 3), 3) + 1) {
			name := "x"
			if names != nil {
				name = o.text(names)
			}
			v[name] = o.valid(extra, depth+1)
		}
	}
	return v
}

func (o *oracle) anything(depth int) any {
	switch n := o.rand.IntN(7); {
	case n == 0:
		return nil
	case n == 1:
		return true
	case n == 2:
		return json.Number("-1.5e3")
	case n == 3 || depth > 3:
		return "text"
	case n == 4:
		return []any{o.anything(depth + 1), o.anything(depth + 1)}
	}
	return object{"a": o.anything(depth + 1), "": o.anything(depth + 1)}
}

// broken makes a value that does not fit a schema; false where everything fits.
func (o *oracle) broken(s object) (any, bool) {
	s = o.resolve(s)
	types := kinds(s)
	if len(types) == 0 {
		return nil, false
	}
	wrong := []any{
		nil, true, "text", json.Number("7"), json.Number("1.5"), json.Number("-1"), json.Number("1e400"), json.Number(strings.Repeat("9", 60)),
		[]any{}, []any{object{}}, object{}, object{"unknown": true}, strings.Repeat("x", 1000), strings.Repeat("é", limit(s, "maxLength", 500)+1), "",
	}
	if slices.Contains(types, "object") {
		v := o.object(s, 0)
		props, _ := s["properties"].(object)
		for name, sub := range props {
			if bad, ok := o.broken(sub.(object)); ok {
				v2 := object{name: bad}
				for k, x := range v {
					if k != name {
						v2[k] = x
					}
				}
				wrong = append(wrong, v2, v2, v2)
			}
		}
		extra := object{"nothing_like_it": 1}
		for k, x := range v {
			extra[k] = x
		}
		wrong = append(wrong, extra)
	}
	for range 20 {
		if v := wrong[o.rand.IntN(len(wrong))]; o.check(s, v) != "" {
			return v, true
		}
	}
	return nil, false
}
