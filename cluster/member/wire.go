package member

import (
	"encoding/binary"
	"errors"
)

// Kinds of message.
const (
	kindLoad   = 1 + iota // body is a load; sequence is that of the load
	kindLeft              // the sender goes
	kindDirect            // of SendAll
	kindGossip            // of Gossip
)

var errMessage = errors.New("malformed message")

// envelope is a message between members. Layout: kind, length and bytes of the sender's id, sequence (8, little endian),
// length and bytes of the name, body to the end.
type envelope struct {
	kind byte
	from string
	seq  uint64
	name string
	body []byte
}

// append encodes the envelope after b.
func (e *envelope) append(b []byte) []byte {
	b = append(b, e.kind, byte(len(e.from)))
	b = append(b, e.from...)
	b = binary.LittleEndian.AppendUint64(b, e.seq)
	b = append(b, byte(len(e.name)))
	b = append(b, e.name...)
	return append(b, e.body...)
}

// parseEnvelope reads any bytes of a peer. The body points into b.
func parseEnvelope(b []byte) (envelope, error) {
	if len(b) < 1 || b[0] < kindLoad || b[0] > kindGossip {
		return envelope{}, errMessage
	}
	e := envelope{kind: b[0]}
	var ok bool
	if e.from, b, ok = cutText(b[1:], 64); !ok || !validID(e.from) || len(b) < 8 {
		return envelope{}, errMessage
	}
	e.seq, b = binary.LittleEndian.Uint64(b), b[8:]
	if e.name, b, ok = cutText(b, MaxName); !ok || len(b) > MaxMessage {
		return envelope{}, errMessage
	}
	e.body = b
	return e, nil
}

// cutText cuts a length byte and as many bytes, at most most, off b.
func cutText(b []byte, most int) (text string, rest []byte, ok bool) {
	if len(b) < 1 || int(b[0]) > most || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	return string(b[1 : 1+b[0]]), b[1+b[0]:], true
}

const (
	syncFormat = 1       // first byte of what push/pull carries
	maxState   = 1 << 20 // bytes of what Config.State returns
)

// syncState is what push/pull carries for us: who is how busy, who said that it goes, and what Config.State returned.
// Layout: format, number of loads (2), for each id, sequence (8) and load, number of ids (2) and these, body to the end.
type syncState struct {
	loads []nodeLoad
	left  []string
	body  []byte
}

// nodeLoad is the load of a node and its sequence.
type nodeLoad struct {
	id   string
	seq  uint64
	load Load
}

// append encodes the state after b.
func (s *syncState) append(b []byte) []byte {
	b = append(b, syncFormat)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(s.loads)))
	for _, l := range s.loads {
		b = append(append(b, byte(len(l.id))), l.id...)
		b = binary.LittleEndian.AppendUint64(b, l.seq)
		b = appendLoad(b, l.load)
	}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(s.left)))
	for _, id := range s.left {
		b = append(append(b, byte(len(id))), id...)
	}
	return append(b, s.body...)
}

// parseSync reads any bytes of a peer. The body points into b.
func parseSync(b []byte) (syncState, error) {
	var s syncState
	if len(b) < 3 || b[0] != syncFormat {
		return s, errMessage
	}
	n, b := binary.LittleEndian.Uint16(b[1:]), b[3:]
	for range n {
		l, rest, err := parseNodeLoad(b)
		if err != nil {
			return syncState{}, err
		}
		s.loads, b = append(s.loads, l), rest
	}
	if len(b) < 2 {
		return syncState{}, errMessage
	}
	n, b = binary.LittleEndian.Uint16(b), b[2:]
	for range n {
		id, rest, ok := cutText(b, 64)
		if !ok || !validID(id) {
			return syncState{}, errMessage
		}
		s.left, b = append(s.left, id), rest
	}
	if len(b) > maxState {
		return syncState{}, errMessage
	}
	s.body = b
	return s, nil
}

// parseNodeLoad reads one load from the start of b.
func parseNodeLoad(b []byte) (l nodeLoad, rest []byte, err error) {
	id, b, ok := cutText(b, 64)
	if !ok || !validID(id) || len(b) < 8 {
		return l, nil, errMessage
	}
	l.id, l.seq = id, binary.LittleEndian.Uint64(b)
	l.load, rest, err = parseLoad(b[8:])
	return l, rest, err
}
