package delta

import (
	"testing"

	"github.com/overtime-server/overtime/schema"
	"github.com/overtime-server/overtime/schema/wire"
)

// FuzzApply sends anything that the verifier accepts into one state: no panic, and the state stays a state.
func FuzzApply(f *testing.F) {
	var all []byte
	goldenSteps(2, func(_ string, msg []byte, _ *Snapshot) {
		f.Add(joinFrames(nil, msg))
		all = joinFrames(all, msg)
		f.Add(all)
	})
	kinds := goldenKinds()
	f.Fuzz(func(t *testing.T, data []byte) {
		s := mustState(kinds, 2)
		cur, next := NewSnapshot(s.tables, 0), NewSnapshot(s.tables, 0)
		for len(data) >= 2 {
			n := min(int(data[0])|int(data[1])<<8, len(data)-2)
			msg := data[2 : 2+n]
			data = data[2+n:]
			m, err := schema.VerifyServer(msg)
			if err != nil {
				continue
			}
			before := s.Tick()
			res, err := s.Apply(&m)
			if err != nil && s.Tick() != before {
				t.Fatalf("%v, and the tick went from %d to %d", err, before, s.Tick())
			}
			if err == nil && res.Clock && s.Tick() != res.Tick {
				t.Fatalf("tick %d after %+v", s.Tick(), res)
			}
			checkState(t, s)
			if decodeAnyhow(cur, next, &m) {
				cur, next = next, cur
				checkSnapshot(t, cur)
			}
		}
	})
}

// decodeAnyhow decodes a frame against whatever is there, without the checks of tick and hash that keep most forged frames
// from going any further.
func decodeAnyhow(cur, next *Snapshot, m *wire.ServerMessage) bool {
	var r reader
	r.read(m)
	if m.Keyframe() {
		next.reset(2, 1)
		return next.decode(nil, 0, &r)
	}
	frames := max(1, uint32(m.Base()))
	next.reset(cur.tick+2*frames, cur.frame+frames)
	return next.decode(cur, frames, &r)
}

// joinFrames appends a message with its length in front, as FuzzApply takes them.
func joinFrames(to, msg []byte) []byte {
	return append(append(to, byte(len(msg)), byte(len(msg)>>8)), msg...)
}

// checkState fails the test if a state breaks its own rules: order of channels and ids, values in range, the hash.
func checkState(t *testing.T, s *State) {
	t.Helper()
	total := 0
	for k := range s.tables.kinds {
		s.Each(uint8(k), func(_ uint32, row []int32) {
			total++
			for i, v := range row {
				if v != modelValue(s.tables.source[k].Fields[i], v) {
					t.Fatalf("value %d is out of its range", v)
				}
			}
		})
	}
	if total != s.Len() || len(s.live) > MaxChannels {
		t.Fatalf("%d rows seen of %d in %d channels", total, s.Len(), len(s.live))
	}
	for i, ch := range s.live {
		if i > 0 && s.live[i-1].id >= ch.id {
			t.Fatal("channels out of order")
		}
		checkSnapshot(t, ch.cur)
	}
}

// checkSnapshot fails the test if a snapshot's rows are out of order or its hash is not theirs.
func checkSnapshot(t *testing.T, s *Snapshot) {
	t.Helper()
	sum, at := uint32(0), 0
	for j := range s.rows {
		r := &s.rows[j]
		if j > 0 && s.rows[j-1].id >= r.id || int(r.at) != at {
			t.Fatal("rows out of order")
		}
		at += len(s.numbers(r))
		sum += s.tables.kinds[r.kind].hash(r.id, r.kind, s.numbers(r))
	}
	if sum != s.hash || at != len(s.vals) {
		t.Fatal("the hash is not that of the rows")
	}
}
