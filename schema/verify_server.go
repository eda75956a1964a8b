package schema

import (
	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/overtime-server/overtime/schema/wire"
)

// VerifyServer checks a server message as VerifyClient checks a client's: a client need not trust its server. What a state
// frame says is checked by netcode/delta. It does not allocate; an error is ErrMalformed.
func VerifyServer(b []byte) (wire.ServerMessage, error) {
	var m wire.ServerMessage
	if len(b) > MaxServer {
		return m, ErrMalformed
	}
	b = b[:len(b):len(b)]
	v := verifier{b: b, budget: len(b)}
	t := v.root()
	v.frame(t)
	if 4+2*10 < t.vlen { // anything behind a frame's fields
		v.reliable(t)
		v.inline(t, 12, pongSize)
		if w := v.table(t, 13); w.pos != 0 {
			v.welcome(w)
		}
		v.vector(t, 14, 1, MaxToken) // resume
		if x := v.table(t, 15); x.pos != 0 {
			v.vector(x, 0, 1, MaxText)  // url
			v.vector(x, 1, 1, MaxToken) // token
		}
		if x := v.table(t, 16); x.pos != 0 {
			v.inline(x, 0, 2)          // code
			v.vector(x, 1, 1, MaxText) // reason
		}
		if x := v.table(t, 17); x.pos != 0 {
			v.vector(x, 0, 1, MaxText) // url of the standby
		}
	}
	if v.bad {
		return m, ErrMalformed
	}
	m.Init(b, flatbuffers.UOffsetT(t.pos))
	return m, nil
}

// frame checks fields 0 to 9; the budget bounds their vectors.
func (v *verifier) frame(t table) {
	v.inline(t, 0, headSize)
	v.vector(t, 1, 1, MaxServer) // rows
	v.vector(t, 2, 1, MaxServer) // small
	v.vector(t, 3, 2, MaxServer) // wide
	v.inline(t, 4, 4)            // channel
	v.inline(t, 5, 1)            // base
	v.inline(t, 6, 4)            // tick
	v.inline(t, 7, 4)            // hash
	v.inline(t, 8, 1)            // keyframe
	v.inline(t, 9, 4)            // epoch
}

// reliable checks messages and roster.
func (v *verifier) reliable(t table) {
	first, n := v.vector(t, 10, 4, MaxMessages)
	for i := uint32(0); i < n && !v.bad; i++ {
		x := v.element(first, i)
		v.inline(x, 0, 4)          // number
		v.inline(x, 1, 1)          // kind
		v.vector(x, 2, 1, MaxData) // data
	}
	first, n = v.vector(t, 11, 4, MaxRoster)
	for i := uint32(0); i < n && !v.bad; i++ {
		x := v.element(first, i)
		v.inline(x, 0, 4)          // number
		v.vector(x, 1, 1, MaxText) // name
		v.inline(x, 2, 4)          // team
		v.inline(x, 3, 1)          // flags
	}
}

func (v *verifier) welcome(t table) {
	for _, slot := range [...]uint32{0, 2, 3, 10, 13, 18, 19} { // match, player_id, name, game, map_hash, node, standby
		v.vector(t, slot, 1, MaxText)
	}
	for _, slot := range [...]uint32{1, 4, 6, 7, 15, 16, 17, 20} { // player, team, epoch, tick, sample, command, message, window
		v.inline(t, slot, 4)
	}
	for _, slot := range [...]uint32{5, 8, 9, 14} { // spectator, hz, every, seats
		v.inline(t, slot, 1)
	}
	v.vector(t, 12, 1, MaxToken) // resume
	first, n := v.vector(t, 11, 4, MaxKinds)
	for i := uint32(0); i < n && !v.bad; i++ {
		v.kind(v.element(first, i))
	}
}

func (v *verifier) kind(t table) {
	v.vector(t, 0, 1, MaxText) // name
	first, n := v.vector(t, 1, 4, MaxFields)
	for i := uint32(0); i < n && !v.bad; i++ {
		x := v.element(first, i)
		v.vector(x, 0, 1, MaxText) // name
		v.inline(x, 1, 1)          // bits
		v.inline(x, 2, 1)          // flags
		v.inline(x, 3, 4)          // jump
	}
}
