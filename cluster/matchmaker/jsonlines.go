package matchmaker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// node is a value of a JSON file with the line on which it begins.
type node struct {
	line    int
	value   any // string, json.Number, bool or nil; for lists and objects, unused
	list    []node
	members []memberNode
	kind    byte // '[', '{' or 0
}

type memberNode struct {
	key  string
	line int
	node
}

// LineError is something wrong on a line of a file.
type LineError struct {
	Line int    // from 1
	Path string // such as queues.duel.skill.max; "" for broken JSON
	Text string
}

func (e *LineError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.Text)
	}
	return fmt.Sprintf("line %d: %s: %s", e.Line, e.Path, e.Text)
}

// maxDepth of nested values.
const maxDepth = 16

type jsonReader struct {
	src []byte
	dec *json.Decoder
	at  int // a place that line has counted to
	n   int // line of it
}

// readJSON reads one value and nothing after it. A key that an object holds twice is an error.
func readJSON(src []byte) (node, error) {
	r := &jsonReader{src: src, dec: json.NewDecoder(bytes.NewReader(src)), n: 1}
	r.dec.UseNumber()
	root, err := r.value(0)
	if err == nil {
		line := r.line()
		if _, err = r.dec.Token(); err == nil {
			return node{}, &LineError{Line: line, Text: "something follows the end"}
		} else if err == io.EOF {
			return root, nil
		}
	}
	var known *LineError
	if errors.As(err, &known) {
		return node{}, err
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return node{}, &LineError{Line: 1 + bytes.Count(src[:min(max(int(syntax.Offset)-1, 0), len(src))], []byte{'\n'}), Text: syntax.Error()}
	}
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return node{}, &LineError{Line: 1 + bytes.Count(src, []byte{'\n'}), Text: "the file ends too early"}
	}
	return node{}, &LineError{Line: r.line(), Text: err.Error()}
}

// line returns the line of the next token.
func (r *jsonReader) line() int {
	at := int(r.dec.InputOffset())
	for at < len(r.src) && bytes.IndexByte([]byte(" \t\r\n,:"), r.src[at]) >= 0 {
		at++
	}
	r.n += bytes.Count(r.src[r.at:at], []byte{'\n'})
	r.at = at
	return r.n
}

func (r *jsonReader) value(depth int) (node, error) {
	n := node{line: r.line()}
	if depth > maxDepth {
		return n, &LineError{Line: n.line, Text: "nested too deeply"}
	}
	tok, err := r.dec.Token()
	if err != nil {
		return n, err
	}
	switch tok {
	case json.Delim('['):
		n.kind = '['
		for r.dec.More() {
			v, err := r.value(depth + 1)
			if err != nil {
				return n, err
			}
			n.list = append(n.list, v)
		}
	case json.Delim('{'):
		n.kind = '{'
		if err := r.object(&n, depth); err != nil {
			return n, err
		}
	default:
		n.value = tok
		return n, nil
	}
	_, err = r.dec.Token() // the end of it
	return n, err
}

func (r *jsonReader) object(n *node, depth int) error {
	seen := make(map[string]bool)
	for r.dec.More() {
		line := r.line()
		tok, err := r.dec.Token()
		if err != nil {
			return err
		}
		key, _ := tok.(string)
		if seen[key] {
			return &LineError{Line: line, Path: key, Text: "is there twice"}
		}
		seen[key] = true
		v, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.members = append(n.members, memberNode{key: key, line: line, node: v})
	}
	return nil
}
