package matchmaker

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// MaxRulesFile bounds what ParseRules reads, in bytes.
const MaxRulesFile = 1 << 20

// ParseRules reads a file of rules: JSON, one object for each queue, what is left out being DefaultRules.
//
//	{"queues": {
//	  "ranked": {
//	    "game": "arena", "size": 16, "teams": 2,          or "layout": [1, 4]
//	    "min_players": 8, "short_after": "20s",
//	    "skill": {"start": 100, "per_second": 20, "max": 800, "steps": [{"after": "30s", "value": 500}]},   or "any"
//	    "latency_ms": {"start": 60, "per_second": 5, "max": 200}, "regions": ["eu", "us"],
//	    "equal": ["mode"], "backfill": true, "timeout": "2m"
//	  },
//	  "*": {"size": 4}                                    all others
//	}}
//
// The error joins a *LineError for everything that is wrong, in the order of the lines.
func ParseRules(file []byte) (Rules, error) {
	if len(file) > MaxRulesFile {
		return Rules{}, fmt.Errorf("rules are %d bytes, more than %d", len(file), MaxRulesFile)
	}
	root, err := readJSON(file)
	if err != nil {
		return Rules{}, err
	}
	p := &rulesParser{}
	out := Rules{Queues: make(map[string]QueueRules)}
	p.object("", root, map[string]func(string, node){
		"queues": func(path string, n node) {
			for _, m := range p.members(path, n) {
				name := path + "." + m.key
				q := p.queue(name, m)
				switch {
				case m.key == "*":
					out.Other = &q
				case !validID(m.key):
					p.fail(m.line, name, "a queue's name must be 1 to %d printable ASCII characters", maxText)
				default:
					out.Queues[m.key] = q
				}
			}
		},
	})
	if len(p.errs) > 0 {
		return Rules{}, errors.Join(p.errs...)
	}
	return out, nil
}

// rulesParser collects what is wrong, up to maxErrors.
type rulesParser struct{ errs []error }

const maxErrors = 20

func (p *rulesParser) fail(line int, path, format string, args ...any) {
	if len(p.errs) < maxErrors {
		p.errs = append(p.errs, &LineError{Line: line, Path: path, Text: fmt.Sprintf(format, args...)})
	}
}

func (p *rulesParser) members(path string, n node) []memberNode {
	if n.kind != '{' {
		p.fail(n.line, path, "must be an object")
	}
	return n.members
}

// object hands each member to the field of its key.
func (p *rulesParser) object(path string, n node, fields map[string]func(string, node)) {
	for _, m := range p.members(path, n) {
		name := strings.TrimPrefix(path+"."+m.key, ".")
		if f, ok := fields[m.key]; ok {
			f(name, m.node)
		} else {
			p.fail(m.line, name, "there is no such setting")
		}
	}
}

// queue reads one queue's rules and checks them; an error names the line of its setting.
func (p *rulesParser) queue(path string, m memberNode) QueueRules {
	q := DefaultRules()
	before := len(p.errs)
	p.object(path, m.node, map[string]func(string, node){
		"game":  func(s string, n node) { q.Game = p.text(s, n) },
		"size":  func(s string, n node) { q.Size = p.whole(s, n) },
		"teams": func(s string, n node) { q.Teams = p.whole(s, n) },
		"layout": func(s string, n node) {
			each(p, s, n, func(s string, n node) { q.Layout = append(q.Layout, p.whole(s, n)) })
		},
		"min_players": func(s string, n node) { q.MinPlayers = p.whole(s, n) },
		"short_after": func(s string, n node) { q.ShortAfter = p.duration(s, n) },
		"skill":       func(s string, n node) { q.Skill = p.window(s, n) },
		"latency_ms":  func(s string, n node) { q.Latency = p.window(s, n) },
		"regions": func(s string, n node) {
			each(p, s, n, func(s string, n node) { q.Regions = append(q.Regions, p.text(s, n)) })
		},
		"equal": func(s string, n node) {
			each(p, s, n, func(s string, n node) { q.Equal = append(q.Equal, p.text(s, n)) })
		},
		"backfill": func(s string, n node) { q.Backfill = p.truth(s, n) },
		"timeout":  func(s string, n node) { q.Timeout = p.duration(s, n) },
	})
	if len(p.errs) == before {
		p.validate(path, m, q)
	}
	return q
}

// validate adds what Validate finds, each on the line of the setting that it is about.
func (p *rulesParser) validate(path string, m memberNode, q QueueRules) {
	err := q.Validate()
	if err == nil {
		return
	}
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		var f *fieldError
		if errors.As(e, &f) {
			p.fail(m.find(f.field), path+"."+f.field, "%s", f.text)
		}
	}
}

// find returns the line of a setting below a value, or of what comes nearest.
func (m memberNode) find(field string) int {
	line, n := m.line, m.node
	for part := range strings.SplitSeq(field, ".") {
		i := 0
		for i < len(n.members) && n.members[i].key != part {
			i++
		}
		if i == len(n.members) {
			break
		}
		line, n = n.members[i].line, n.members[i].node
	}
	return line
}

func (p *rulesParser) window(path string, n node) Window {
	if n.value == "any" {
		return Window{Any: true}
	}
	if n.kind != '{' {
		p.fail(n.line, path, `must be an object or "any"`)
		return Window{}
	}
	var w Window
	started := false
	p.object(path, n, map[string]func(string, node){
		"start":      func(s string, n node) { w.Start, started = p.number(s, n), true },
		"per_second": func(s string, n node) { w.PerSecond = p.number(s, n) },
		"max":        func(s string, n node) { w.Max = p.number(s, n) },
		"steps": func(s string, n node) {
			each(p, s, n, func(s string, n node) {
				var step Step
				p.object(s, n, map[string]func(string, node){
					"after": func(s string, n node) { step.After = p.duration(s, n) },
					"value": func(s string, n node) { step.Value = p.number(s, n) },
				})
				w.Steps = append(w.Steps, step)
			})
		},
	})
	if !started {
		p.fail(n.line, path, "start is missing")
	}
	return w
}

func each(p *rulesParser, path string, n node, f func(string, node)) {
	if n.kind != '[' {
		p.fail(n.line, path, "must be a list")
		return
	}
	for i, v := range n.list {
		f(fmt.Sprintf("%s[%d]", path, i), v)
	}
}

func (p *rulesParser) text(path string, n node) string {
	s, ok := n.value.(string)
	if !ok {
		p.fail(n.line, path, "must be text")
	}
	return s
}

func (p *rulesParser) truth(path string, n node) bool {
	b, ok := n.value.(bool)
	if !ok {
		p.fail(n.line, path, "must be true or false")
	}
	return b
}

func (p *rulesParser) number(path string, n node) float64 {
	v, ok := n.value.(json.Number)
	f, err := v.Float64()
	if !ok || err != nil {
		p.fail(n.line, path, "must be a number")
	}
	return f
}

func (p *rulesParser) whole(path string, n node) int {
	v, ok := n.value.(json.Number)
	i, err := v.Int64()
	if !ok || err != nil || i < -1<<31 || i > 1<<31 {
		p.fail(n.line, path, "must be a whole number")
		return 0
	}
	return int(i)
}

func (p *rulesParser) duration(path string, n node) time.Duration {
	s, _ := n.value.(string)
	d, err := time.ParseDuration(s)
	if err != nil {
		p.fail(n.line, path, `must be a time such as "30s" or "2m"`)
	}
	return d
}
