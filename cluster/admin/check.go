package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds how deep a body's values are nested.
const maxDepth = 64

// parse reads one JSON value as maps, slices, strings, json.Numbers, bools and nil. It refuses what two readers may understand differently:
// names that are there twice, and anything after the value.
func parse(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	v, err := parseValue(d, 0)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.New("unexpected end of the JSON value")
	}
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

func parseValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("more than %d values in each other", maxDepth)
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		return parseObject(d, depth)
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := parseValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	return t, nil
}

func parseObject(d *json.Decoder, depth int) (any, error) {
	o := map[string]any{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		key, ok := name.(string)
		if !ok {
			return nil, errors.New("a name is not a string")
		}
		if _, twice := o[key]; twice {
			return nil, fmt.Errorf("the name %.40q is there twice", key)
		}
		if o[key], err = parseValue(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return o, err
}

// check reports the first thing in which a parsed value differs from the schema; at is where in the request it stands.
func (x *schema) check(v any, at string) error {
	for x.to != nil {
		x = x.to
	}
	if len(x.Types) == 0 {
		return nil
	}
	is := typeOf(v)
	if is == "integer" && !slices.Contains(x.Types, "integer") {
		is = "number"
	}
	if !slices.Contains(x.Types, is) {
		return wrong(at, "is of type %s, want %s", is, strings.Join(x.Types, " or "))
	}
	switch v := v.(type) {
	case string:
		return x.checkString(v, at)
	case json.Number:
		return x.checkNumber(string(v), at)
	case []any:
		return x.checkArray(v, at)
	case map[string]any:
		return x.checkObject(v, at)
	}
	return nil
}

func wrong(at, format string, args ...any) error {
	if at != "" {
		at += " "
	}
	return errors.New(at + fmt.Sprintf(format, args...))
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") {
			return "number"
		}
		return "integer"
	case []any:
		return "array"
	}
	return "object"
}

func (x *schema) checkString(v, at string) error {
	n := utf8.RuneCountInString(v)
	switch {
	case n < x.MinLength && n == 0:
		return wrong(at, "is missing")
	case n < x.MinLength:
		return wrong(at, "has %d characters, want at least %d", n, x.MinLength)
	case x.MaxLength > 0 && n > x.MaxLength:
		return wrong(at, "has %d characters, at most %d are allowed", n, x.MaxLength)
	case len(x.Enum) > 0 && !slices.Contains(x.Enum, v):
		return wrong(at, "is none of %s", strings.Join(x.Enum, ", "))
	case x.pattern != nil && !x.pattern.MatchString(v):
		return wrong(at, "does not match %s", x.Pattern)
	}
	return nil
}

// checkNumber compares exactly where both are whole numbers: seeds have 64 bits.
func (x *schema) checkNumber(v, at string) error {
	if len(v) > 40 {
		return wrong(at, "has too many digits")
	}
	f, ok := number(v)
	if !ok {
		return wrong(at, "is not a number that can be used")
	}
	if least, ok := number(string(x.Minimum)); ok && f.Cmp(least) < 0 {
		return wrong(at, "must be at least %s", x.Minimum)
	}
	if most, ok := number(string(x.Maximum)); ok && f.Cmp(most) > 0 {
		return wrong(at, "must be at most %s", x.Maximum)
	}
	return nil
}

func number(v string) (*big.Float, bool) {
	if _, err := strconv.ParseFloat(v, 64); err != nil {
		return nil, false
	}
	f, _, err := big.ParseFloat(v, 10, 192, big.ToNearestEven)
	return f, err == nil
}

func (x *schema) checkArray(v []any, at string) error {
	switch {
	case len(v) < x.MinItems, x.MaxItems > 0 && len(v) > x.MaxItems:
		return wrong(at, "has %d entries, want %d to %d", len(v), x.MinItems, x.MaxItems)
	}
	for i := range v {
		if err := x.Items.check(v[i], fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	return nil
}

func (x *schema) checkObject(v map[string]any, at string) error {
	for _, name := range x.Required {
		if _, ok := v[name]; !ok {
			return wrong(join(at, name), "is missing")
		}
	}
	if x.MaxProps > 0 && len(v) > x.MaxProps {
		return wrong(at, "has %d names, at most %d are allowed", len(v), x.MaxProps)
	}
	for name, sub := range v {
		if x.Names != nil {
			if err := x.Names.check(name, "a name in "+at); err != nil {
				return err
			}
		}
		if p := x.Props[name]; p != nil {
			if err := p.check(sub, join(at, name)); err != nil {
				return err
			}
			continue
		}
		switch extra := x.Extra.(type) {
		case *schema:
			if err := extra.check(sub, join(at, short(name))); err != nil {
				return err
			}
		case bool:
			return wrong(at, "unknown field %.40q", name)
		}
	}
	return nil
}

func short(name string) string { return fmt.Sprintf("%.40s", name) }

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}
