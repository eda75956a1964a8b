package delta

import (
	"fmt"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/schema"
)

// Limits of what is coded and decoded.
const (
	MaxRows     = 1 << 16             // rows of one channel
	MaxChannels = 16                  // channels that one receiver has
	MaxKinds    = game.MaxKinds + 8   // a game's kinds and the built-in ones
	MaxGap      = 255                 // state frames between a base and the frame that is coded against it
	maxStride   = 2 * game.MaxFields  // values and displacements of one row
	maxMask     = (maxStride + 8) / 8 // bytes of the mask of one row
)

// Tables is a list of field tables made ready for coding. It does not change and may be shared by many goroutines.
type Tables struct {
	source []game.Kind
	kinds  []kind
}

// kind is one compiled field table. A row of it is stored as its values, then the displacements of its linear fields.
type kind struct {
	fields []field // of each stored number: the field, or for a displacement the linear field that it belongs to
	linear []uint8 // indices of the linear fields
	values int     // number of fields
}

// field is the arithmetic of one field.
type field struct {
	shift    uint8 // 32 - Bits if it wraps, otherwise 0: shifting there and back then changes nothing
	unsigned bool
	linear   bool
	jump     int32 // 0 means none
}

// diff reduces a difference of two values: for a field that wraps, to the short way round.
func (f *field) diff(d int32) int32 { return d << (f.shift & 31) >> (f.shift & 31) }

// value reduces a value to the range of a field that wraps.
func (f *field) value(v int32) int32 {
	if f.unsigned {
		return int32(uint32(v) << (f.shift & 31) >> (f.shift & 31))
	}
	return v << (f.shift & 31) >> (f.shift & 31)
}

// displacement returns the displacement of a linear field that went from one value to another in one state frame.
func (f *field) displacement(from, to int32) int32 {
	d := f.diff(to - from)
	if f.jump != 0 && (d > f.jump || d < -f.jump) {
		return 0
	}
	return d
}

// NewTables compiles field tables: the game's kinds, then the built-in ones, in the order in which the welcome lists
// them. It refuses tables that game.Kind.Validate refuses, and more than MaxKinds.
func NewTables(kinds []game.Kind) (*Tables, error) {
	if len(kinds) == 0 || len(kinds) > MaxKinds {
		return nil, fmt.Errorf("field tables: %d kinds, want 1 to %d", len(kinds), MaxKinds)
	}
	t := &Tables{source: kinds, kinds: make([]kind, len(kinds))}
	for i, k := range kinds {
		if err := k.Validate(); err != nil {
			return nil, fmt.Errorf("field tables: %w", err)
		}
		t.kinds[i] = compile(k)
	}
	return t, nil
}

func compile(src game.Kind) kind {
	k := kind{values: len(src.Fields)}
	for i, f := range src.Fields {
		x := field{linear: f.Linear, jump: f.Jump}
		if f.Wrap {
			x.shift, x.unsigned = 32-f.Bits, !f.Signed
		}
		k.fields = append(k.fields, x)
		if f.Linear {
			k.linear = append(k.linear, uint8(i))
		}
	}
	for _, i := range k.linear {
		k.fields = append(k.fields, k.fields[i])
	}
	return k
}

// Kind returns the index of the field table of that name, as rows carry it.
func (t *Tables) Kind(name string) (uint8, bool) {
	for i := range t.source {
		if t.source[i].Name == name {
			return uint8(i), true
		}
	}
	return 0, false
}

// Kinds returns the field tables. They must not be changed.
func (t *Tables) Kinds() []game.Kind { return t.source }

// KindsToWire converts field tables to what a welcome carries.
func KindsToWire(kinds []game.Kind) []schema.Kind {
	out := make([]schema.Kind, len(kinds))
	for i, k := range kinds {
		out[i] = schema.Kind{Name: k.Name, Fields: make([]schema.Field, len(k.Fields))}
		for j, f := range k.Fields {
			out[i].Fields[j] = schema.Field{
				Name: f.Name, Bits: f.Bits, Signed: f.Signed, Wraps: f.Wrap, Linear: f.Linear, Jump: f.Jump,
			}
		}
	}
	return out
}

// KindsFromWire converts the field tables of a welcome. NewTables and NewState check them.
func KindsFromWire(kinds []schema.Kind) []game.Kind {
	out := make([]game.Kind, len(kinds))
	for i, k := range kinds {
		out[i] = game.Kind{Name: k.Name, Fields: make([]game.Field, len(k.Fields))}
		for j, f := range k.Fields {
			out[i].Fields[j] = game.Field{
				Name: f.Name, Bits: f.Bits, Signed: f.Signed, Wrap: f.Wraps, Linear: f.Linear, Jump: f.Jump,
			}
		}
	}
	return out
}
