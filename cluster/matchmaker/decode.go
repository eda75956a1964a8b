package matchmaker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// Errors of Apply.
var (
	ErrGap   = errors.New("changes do not follow what is here") // ask for a Snapshot
	ErrBytes = errors.New("state of a queue is malformed")
)

// maxAge bounds how long ago something may have been.
const maxAge = uint64(10 * 365 * 24 * time.Hour)

// update is what the bytes of Changes or Snapshot say.
type update struct {
	full                              bool
	name, source                      string
	from, to, seq                     uint64
	goneTickets, goneProps, goneFills []string
	tickets                           []*ticket
	reach                             [][]regionMS // by ticket
	proposals                         []*proposal
	backfills                         []Backfill
}

type regionMS struct {
	region string
	ms     uint16
}

// decoder reads from b; after the first error everything reads as zero.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrBytes, what)
	}
	d.b = nil
}

func (d *decoder) number(most uint64) uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || v > most {
		d.fail("number")
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) skill() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 || v < -MaxSkill*1000 || v > MaxSkill*1000 {
		d.fail("skill")
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) byte(most byte) byte {
	if len(d.b) == 0 || d.b[0] > most {
		d.fail("byte")
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return v
}

func (d *decoder) text(most int) string {
	n := int(d.number(uint64(most)))
	if n > len(d.b) {
		d.fail("text")
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *decoder) id(optional bool) string {
	s := d.text(2 * maxText) // a proposal's name is longer than its origin's
	if d.err == nil && !(optional && s == "") {
		for i := range len(s) {
			if s[i] <= ' ' || s[i] > '~' {
				d.fail("id")
			}
		}
		if s == "" {
			d.fail("id")
		}
	}
	return s
}

// count reads how many follow, each of at least size bytes, so that a number cannot ask for more memory than came.
func (d *decoder) count(most, size int) int {
	n := int(d.number(uint64(most)))
	if n > len(d.b)/size {
		d.fail("count")
		return 0
	}
	return n
}

func (d *decoder) at(now time.Time) int64 { return now.UnixNano() - int64(d.number(maxAge)) }

func (d *decoder) sizes() []int {
	n := d.count(MaxTeams, 1)
	var out []int
	for range n {
		out = append(out, int(d.number(MaxSize)))
	}
	return out
}

func (d *decoder) pairs(most, longest int) map[string]string {
	n := d.count(most, 2)
	out := make(map[string]string, n)
	for range n {
		k := d.text(maxText)
		out[k] = d.text(longest)
	}
	return out
}

// decode reads an update; every record by itself is sound then.
func decode(now time.Time, b []byte) (*update, error) {
	d := &decoder{b: b}
	if d.byte(formatVersion) != formatVersion {
		d.fail("version")
	}
	u := &update{full: d.byte(1) == 1, name: d.text(maxText), source: d.text(maxText)}
	u.from, u.to, u.seq = d.number(math.MaxUint64), d.number(math.MaxUint64), d.number(math.MaxInt64)
	for _, list := range []*[]string{&u.goneTickets, &u.goneProps, &u.goneFills} {
		for range d.count(math.MaxInt32, 2) {
			*list = append(*list, d.id(false))
		}
	}
	for range d.count(MaxTickets, 10) {
		t, reach := d.ticket(now)
		u.tickets, u.reach = append(u.tickets, t), append(u.reach, reach)
	}
	for range d.count(MaxTickets, 6) {
		u.proposals = append(u.proposals, d.proposal(now))
	}
	for range d.count(MaxBackfills, 6) {
		u.backfills = append(u.backfills, d.backfill())
	}
	if len(d.b) > 0 {
		d.fail("trailing bytes")
	}
	return u, d.err
}

func (d *decoder) ticket(now time.Time) (*ticket, []regionMS) {
	t := &ticket{id: d.id(false), seq: d.number(math.MaxInt64), since: d.at(now), state: State(d.byte(byte(Expired)))}
	t.game = d.id(true)
	own, err := makeShape(0, 0, d.sizes())
	if t.own = own; err != nil {
		d.fail(err.Error())
	}
	for range d.count(MaxParty, 2) {
		t.players = append(t.players, member{d.id(false), d.skill()})
	}
	if len(t.players) == 0 || t.state == 0 {
		d.fail("empty ticket")
		return t, nil
	}
	t.skill = t.total() / int64(len(t.players))
	t.open = d.byte(1) == 1
	var reach []regionMS
	for range d.count(MaxRegions, 2) {
		reach = append(reach, regionMS{d.id(false), uint16(d.number(MaxLatency))})
	}
	if t.open && len(reach) > 0 || !t.open && len(reach) == 0 && t.live() {
		d.fail("regions")
	}
	for range d.count(MaxParty*MaxAttributes, 3) {
		t.attrs = append(t.attrs, attribute{d.id(false), d.text(maxText), d.byte(1) == 1})
	}
	switch t.state {
	case Proposed:
		t.proposal = d.id(false)
	case Assigned:
		t.ended = d.at(now)
		t.assigned = Assignment{Match: d.id(false), URL: d.text(maxURL), Tokens: d.pairs(MaxParty, maxToken)}
	case Expired:
		t.ended = d.at(now)
		t.reason = d.text(maxReason)
	}
	return t, reach
}

func (d *decoder) proposal(now time.Time) *proposal {
	p := &proposal{id: d.id(false), seq: d.number(math.MaxInt64), at: d.at(now), match: d.id(true), region: d.id(true)}
	seen := make(map[string]bool)
	for range d.count(MaxSize, 2) {
		h := held{d.id(false), uint8(d.number(MaxTeams - 1))}
		if seen[h.ticket] {
			d.fail("ticket held twice")
		}
		seen[h.ticket] = true
		p.seats = append(p.seats, h)
	}
	return p
}

func (d *decoder) backfill() Backfill {
	b := Backfill{Match: d.id(false), Game: d.id(true), Layout: d.sizes(), Open: d.sizes(), Region: d.id(true)}
	b.Skill = float64(d.skill()) / 1000
	b.Attributes = d.pairs(MaxAttributes, maxText)
	if d.err == nil {
		if err := b.check(); err != nil {
			d.fail(err.Error())
		}
	}
	return b
}
