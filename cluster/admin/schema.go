package admin

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// schema says what a JSON value may be, in the words of JSON Schema 2020-12. The API document shows it and check enforces it, so
// that the two agree. It never changes once its API is made.
type schema struct {
	Ref       string             `json:"$ref,omitempty"`
	Types     types              `json:"type,omitempty"` // none: anything
	Doc       string             `json:"description,omitempty"`
	Format    string             `json:"format,omitempty"`
	Enum      []string           `json:"enum,omitempty"`
	Pattern   string             `json:"pattern,omitempty"`
	Minimum   json.Number        `json:"minimum,omitempty"`
	Maximum   json.Number        `json:"maximum,omitempty"`
	MinLength int                `json:"minLength,omitempty"`
	MaxLength int                `json:"maxLength,omitempty"` // 0: any; so are the next two
	MinItems  int                `json:"minItems,omitempty"`
	MaxItems  int                `json:"maxItems,omitempty"`
	MaxProps  int                `json:"maxProperties,omitempty"`
	Items     *schema            `json:"items,omitempty"`
	Names     *schema            `json:"propertyNames,omitempty"`
	Props     map[string]*schema `json:"properties,omitempty"`
	Required  []string           `json:"required,omitempty"`
	Extra     any                `json:"additionalProperties,omitempty"` // false, or a *schema
	Default   json.RawMessage    `json:"default,omitempty"`

	to      *schema // that Ref names
	pattern *regexp.Regexp
}

// types is the type or the types that a value may have.
type types []string

// MarshalJSON writes one type as a string.
func (t types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// schemas makes schemas of Go types. Named structs become components, in one of two directions: what callers send is closed
// and has only those fields required that a tag names, what they get has all fields that are always written.
type schemas struct {
	all   map[string]*schema
	types map[string]reflect.Type
	in    map[string]bool
}

func newSchemas() *schemas {
	return &schemas{all: map[string]*schema{}, types: map[string]reflect.Type{}, in: map[string]bool{}}
}

var (
	anyJSON  = reflect.TypeFor[json.RawMessage]()
	timeType = reflect.TypeFor[time.Time]()
)

// of returns the schema of a type. in says that callers send it. It panics for types that JSON, or this package, has no use for:
// which types there are does not depend on input.
func (s *schemas) of(t reflect.Type, in bool) *schema {
	switch {
	case t == anyJSON:
		return &schema{}
	case t == timeType:
		return &schema{Types: types{"string"}, Format: "date-time"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return &schema{Types: types{"boolean"}}
	case reflect.String:
		return &schema{Types: types{"string"}}
	case reflect.Float64, reflect.Float32:
		return &schema{Types: types{"number"}}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return integer(t)
	case reflect.Pointer:
		return s.orNull(t, in)
	case reflect.Slice:
		return &schema{Types: types{"array"}, Items: s.of(t.Elem(), in)}
	case reflect.Map:
		return &schema{Types: types{"object"}, Extra: s.of(t.Elem(), in)}
	case reflect.Struct:
		return s.object(t, in)
	}
	panic(fmt.Sprintf("admin: no schema for %v", t))
}

// orNull is what a pointer stands for: null means that the field is not given. In what callers get it is left out then.
func (s *schemas) orNull(t reflect.Type, in bool) *schema {
	x := s.of(t.Elem(), in)
	if in && x.Ref == "" {
		x.Types = append(x.Types, "null")
	}
	return x
}

// integer has the bounds of its Go type: beyond them a value cannot be read.
func integer(t reflect.Type) *schema {
	bits := t.Bits()
	if t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64 {
		return &schema{Types: types{"integer"}, Minimum: "0", Maximum: json.Number(strconv.FormatUint(math.MaxUint64>>(64-bits), 10))}
	}
	most := int64(math.MaxInt64) >> (64 - bits)
	return &schema{Types: types{"integer"}, Minimum: json.Number(strconv.FormatInt(-most-1, 10)), Maximum: json.Number(strconv.FormatInt(most, 10))}
}

// object returns the schema of a struct: a reference to a component if the type has a name.
func (s *schemas) object(t reflect.Type, in bool) *schema {
	name := t.Name()
	if name == "" {
		return s.fields(t, in)
	}
	name = strings.ToUpper(name[:1]) + name[1:]
	if was, ok := s.types[name]; ok && (was != t || s.in[name] != in) {
		panic(fmt.Sprintf("admin: two schemas of the name %s: %v and %v", name, was, t))
	}
	if s.all[name] == nil {
		s.types[name], s.in[name] = t, in
		s.all[name] = new(schema) // for types that hold themselves
		*s.all[name] = *s.fields(t, in)
	}
	return &schema{Ref: "#/components/schemas/" + name, to: s.all[name]}
}

func (s *schemas) fields(t reflect.Type, in bool) *schema {
	o := &schema{Types: types{"object"}, Props: map[string]*schema{}}
	if in {
		o.Extra = false
	}
	s.addFields(o, t, in)
	return o
}

// addFields adds the fields of a struct to an object, those of embedded structs too.
func (s *schemas) addFields(o *schema, t reflect.Type, in bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct:
			s.addFields(o, f.Type, in)
			continue
		case !f.IsExported() || tag == "-":
			continue
		case tag == "":
			panic(fmt.Sprintf("admin: field %s of %v has no name in JSON", f.Name, t))
		}
		o.Props[tag] = s.tagged(f, in)
		if in && f.Tag.Get("need") != "" || !in && !strings.Contains(options, "omit") {
			o.Required = append(o.Required, tag)
		}
	}
}

// tagged returns the schema of a field with what its tags say: doc, min and max (of a number; of a string's length in characters; of
// an array's or object's size), enum (a,b,c), pattern, and for maps names and values (min..max of their lengths).
func (s *schemas) tagged(f reflect.StructField, in bool) *schema {
	x := s.of(f.Type, in)
	x.Doc = f.Tag.Get("doc")
	if v := f.Tag.Get("enum"); v != "" {
		x.Enum = strings.Split(v, ",")
	}
	if v := f.Tag.Get("default"); v != "" {
		x.Default = json.RawMessage(v)
	}
	if x.Pattern = f.Tag.Get("pattern"); x.Pattern != "" {
		x.pattern = regexp.MustCompile(x.Pattern)
	}
	x.bound(f.Tag.Get("min"), f.Tag.Get("max"))
	if v := f.Tag.Get("names"); v != "" {
		x.Names = &schema{Types: types{"string"}}
		x.Names.bound(between(v))
	}
	if v := f.Tag.Get("values"); v != "" {
		of, _ := x.Extra.(*schema)
		if of == nil {
			of = x.Items
		}
		of.bound(between(v))
	}
	return x
}

func between(v string) (least, most string) {
	least, most, _ = strings.Cut(v, "..")
	return least, most
}

// bound sets bounds in the terms of the schema's type; "" leaves one as it is.
func (x *schema) bound(least, most string) {
	size := func(v string) int {
		if v == "" {
			return 0
		}
		n, err := strconv.Atoi(v)
		if err != nil {
			panic("admin: bound " + v)
		}
		return n
	}
	if least == "" && most == "" {
		return
	}
	switch x.Types[0] {
	case "string":
		x.MinLength, x.MaxLength = size(least), size(most)
	case "array":
		x.MinItems, x.MaxItems = size(least), size(most)
	case "object":
		x.MaxProps = size(most)
	default:
		if least != "" {
			x.Minimum = json.Number(least)
		}
		if most != "" {
			x.Maximum = json.Number(most)
		}
	}
}
