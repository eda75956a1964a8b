package gametest

import (
	"fmt"

	"github.com/overtime-server/overtime/game"
)

// checkRows reports the first row that breaks the contract: an id used twice in a channel, or a value that does not fit
// its field. Rows must be sorted.
func checkRows(def game.Def, rows *game.Rows) error {
	all := rows.All()
	for i, row := range all {
		if i > 0 && all[i-1].Channel == row.Channel && all[i-1].ID == row.ID {
			return fmt.Errorf("id %d is used twice in channel %#x", row.ID, uint32(row.Channel))
		}
		kind := def.Kinds[row.Kind]
		for f, v := range rows.Values(row) {
			if !fits(kind.Fields[f], v) {
				field := kind.Fields[f]
				return fmt.Errorf("row %d: %s.%s is %d, which does not fit %d bits (signed: %t)",
					row.ID, kind.Name, field.Name, v, field.Bits, field.Signed)
			}
		}
	}
	return nil
}

func fits(f game.Field, v int32) bool {
	switch {
	case f.Bits == 32:
		return true
	case f.Signed:
		return int64(v) >= -(int64(1)<<(f.Bits-1)) && int64(v) < int64(1)<<(f.Bits-1)
	default:
		return v >= 0 && int64(v) < int64(1)<<f.Bits
	}
}

// encodeRows appends a plain image of rows to b, to compare two runs.
func encodeRows(rows *game.Rows, b []byte) []byte {
	word := func(v uint32) { b = append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24)) }
	for _, row := range rows.All() {
		word(uint32(row.Channel))
		word(row.ID)
		b = append(b, row.Kind)
		for _, v := range rows.Values(row) {
			word(uint32(v))
		}
	}
	return b
}
