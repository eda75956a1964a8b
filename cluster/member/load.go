package member

import (
	"encoding/binary"
	"errors"
	"time"
)

// Load is how busy a node is, as it last said. It is a hint that may be seconds old; who places a match asks the node
// itself.
type Load struct {
	Matches     int           // running
	Players     int           // seats taken
	FreeMatches int           // matches that could still start
	FreePlayers int           // seats that could still be taken
	TickP99     time.Duration // how long ticks took, to the microsecond
	Draining    bool          // takes no new matches and moves away those that it has
}

const loadBytes = 5*4 + 1 // of an encoded Load

var errLoad = errors.New("malformed load")

// appendLoad encodes l: five numbers of 32 bits, then flags. Numbers that do not fit are clamped.
func appendLoad(b []byte, l Load) []byte {
	for _, n := range [...]int64{int64(l.Matches), int64(l.Players), int64(l.FreeMatches), int64(l.FreePlayers), l.TickP99.Microseconds()} {
		b = binary.LittleEndian.AppendUint32(b, uint32(min(max(n, 0), 1<<31-1)))
	}
	if l.Draining {
		return append(b, 1)
	}
	return append(b, 0)
}

// parseLoad reads what appendLoad wrote from the start of b and returns what follows.
func parseLoad(b []byte) (Load, []byte, error) {
	if len(b) < loadBytes || b[loadBytes-1] > 1 {
		return Load{}, nil, errLoad
	}
	var n [5]int
	for i := range n {
		v := binary.LittleEndian.Uint32(b[4*i:])
		if v > 1<<31-1 {
			return Load{}, nil, errLoad
		}
		n[i] = int(v)
	}
	l := Load{Matches: n[0], Players: n[1], FreeMatches: n[2], FreePlayers: n[3],
		TickP99: time.Duration(n[4]) * time.Microsecond, Draining: b[loadBytes-1] == 1}
	return l, b[loadBytes:], nil
}
