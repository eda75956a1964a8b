package game

import "slices"

// Rows collects the public rows of one tick. The loop owns it and reuses its memory; [Match.Rows] fills it.
type Rows struct {
	kinds []Kind
	rows  []Row
	vals  []int32
}

// Row is the head of one row; its values are in Rows.Values.
type Row struct {
	Channel Channel
	ID      uint32
	Kind    uint8
	at      uint32
	n       uint8
}

// NewRows returns an empty collector for a game's field tables.
func NewRows(kinds []Kind) *Rows { return &Rows{kinds: kinds} }

// Put adds a row and returns its values, all zero, for the caller to fill before the next Put. The id must be unique
// within the channel; ids need not be put in order.
func (r *Rows) Put(c Channel, id uint32, kind uint8) []int32 {
	n := len(r.kinds[kind].Fields)
	at := len(r.vals)
	r.vals = append(r.vals, zeros[:n]...)
	r.rows = append(r.rows, Row{Channel: c, ID: id, Kind: kind, at: uint32(at), n: uint8(n)})
	return r.vals[at : at+n : at+n]
}

var zeros [MaxFields]int32

// Reset empties the collector and keeps its memory.
func (r *Rows) Reset() { r.rows, r.vals = r.rows[:0], r.vals[:0] }

// Sort orders the rows by channel, then id. The loop calls it once after Match.Rows.
func (r *Rows) Sort() {
	slices.SortFunc(r.rows, func(a, b Row) int {
		switch {
		case a.Channel != b.Channel && a.Channel < b.Channel, a.Channel == b.Channel && a.ID < b.ID:
			return -1
		case a.Channel == b.Channel && a.ID == b.ID:
			return 0
		}
		return 1
	})
}

// All returns the rows in order after Sort. The slice is valid until Reset.
func (r *Rows) All() []Row { return r.rows }

// Values returns the values of a row. The slice is valid until Reset.
func (r *Rows) Values(row Row) []int32 { return r.vals[row.at : int(row.at)+int(row.n)] }

// Channel returns the rows of one channel, ascending by id, after Sort. The slice is valid until Reset.
func (r *Rows) Channel(c Channel) []Row {
	lo, _ := slices.BinarySearchFunc(r.rows, c, func(x Row, c Channel) int {
		if x.Channel < c {
			return -1
		}
		return 1
	})
	hi := lo
	for hi < len(r.rows) && r.rows[hi].Channel == c {
		hi++
	}
	return r.rows[lo:hi]
}
