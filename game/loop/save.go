package loop

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

const saveVersion = 2

// append writes the whole state. Fixed-width little-endian numbers, so that the size is steady from tick to tick.
func (c *Core) append(b []byte) []byte {
	le := binary.LittleEndian
	b = append(b, saveVersion, byte(c.phase), flags(c.stopped, c.fresh, c.paused))
	for _, v := range [...]uint32{c.tick, c.lastID, c.lastNum, c.since, c.until, c.round} {
		b = le.AppendUint32(b, v)
	}
	b = le.AppendUint64(b, c.rand.Hi)
	b = le.AppendUint64(b, c.rand.Lo)
	b = appendBytes(b, c.result)
	b = le.AppendUint32(b, uint32(len(c.late)))
	for _, e := range c.late { // only EventLeave
		b = le.AppendUint32(b, e.Player)
	}
	b = le.AppendUint32(b, uint32(len(c.kept)))
	for _, e := range c.kept {
		b = append(b, byte(e.Kind))
		b = le.AppendUint32(b, e.Player)
		b = appendBytes(b, e.Data)
	}
	b = le.AppendUint32(b, uint32(len(c.players)))
	for _, p := range c.players {
		b = p.append(b)
	}
	return c.world.Save(b)
}

func (p *player) append(b []byte) []byte {
	le := binary.LittleEndian
	for _, v := range [...]uint32{p.number, p.who.Team, p.gone, p.generation, p.command, p.ack, p.applied, p.merged, p.late, p.refused,
		p.last.Seq, p.last.Seen, p.out.next, uint32(p.out.n)} {
		b = le.AppendUint32(b, v)
	}
	b = append(b, flags(p.online, p.who.Bot, p.who.Spectator, p.hasInput), p.repeats, p.last.Frac)
	b = le.AppendUint16(b, p.last.Buttons)
	for _, a := range p.last.Axes {
		b = le.AppendUint16(b, uint16(a))
	}
	b = appendBytes(b, []byte(p.who.ID))
	b = appendBytes(b, []byte(p.who.Name))
	return appendBytes(b, p.out.buf)
}

func appendBytes(b, s []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
}

func flags(bits ...bool) (f byte) {
	for i, on := range bits {
		if on {
			f |= 1 << i
		}
	}
	return f
}

var errState = errors.New("saved state is malformed")

// Load replaces the state by one that Save returned.
func (c *Core) Load(b []byte) error {
	r := reader{b: b}
	if v := r.u8(); v != saveVersion {
		return fmt.Errorf("%w: version %d", errState, v)
	}
	c.phase = Phase(r.u8())
	f := r.u8()
	stopped, fresh, paused := f&1 != 0, f&2 != 0, f&4 != 0
	for _, v := range [...]*uint32{&c.tick, &c.lastID, &c.lastNum, &c.since, &c.until, &c.round} {
		*v = r.u32()
	}
	rnd := game.Rand{Hi: r.u64(), Lo: r.u64()}
	c.result = append([]byte(nil), r.bytes()...)
	c.late = c.late[:0]
	for n := r.count(4); n > 0; n-- {
		c.late = append(c.late, game.Event{Kind: game.EventLeave, Player: r.u32()})
	}
	c.kept = nil
	for n := r.count(9); n > 0; n-- {
		e := game.Event{Kind: game.EventKind(r.u8()), Player: r.u32(), Data: slices.Clone(r.bytes())}
		r.bad = r.bad || e.Kind < game.EventJoin || e.Kind > game.EventAdmin
		c.kept = append(c.kept, e)
	}
	c.players = c.players[:0]
	for n, last := r.count(64), uint32(0); n > 0; n-- {
		p := r.player()
		r.bad = r.bad || p.number <= last || p.number > c.lastNum
		last = p.number
		c.players = append(c.players, p)
	}
	if r.bad || c.phase > Ended || c.round == 0 {
		return errState
	}
	if err := c.begin(c.round); err != nil {
		return err
	}
	c.stopped, c.fresh, c.paused, c.rand, c.savedFor = stopped, fresh, paused, rnd, 0
	if err := c.world.Load(r.b); err != nil {
		return fmt.Errorf("game %s: load: %w", c.def.Name, err)
	}
	return nil
}

// reader takes values off the front of a buffer; after the first short read everything is zero and bad is set.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) || r.bad {
		r.bad = true
		return zeros[:min(n, len(zeros))]
	}
	s := r.b[:n]
	r.b = r.b[n:]
	return s
}

var zeros [8]byte

func (r *reader) u8() byte    { return r.take(1)[0] }
func (r *reader) u16() uint16 { return binary.LittleEndian.Uint16(r.take(2)) }
func (r *reader) u32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *reader) u64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

// count reads a number of items of at least size bytes each, and refuses one that cannot fit.
func (r *reader) count(size int) int {
	n := int64(r.u32())
	if n*int64(size) > int64(len(r.b)) {
		r.bad = true
	}
	if r.bad {
		return 0
	}
	return int(n)
}

func (r *reader) bytes() []byte {
	n := r.count(1)
	if n == 0 {
		return nil
	}
	return r.take(n)
}

func (r *reader) player() *player {
	p := &player{}
	var kept uint32
	for _, v := range [...]*uint32{&p.number, &p.who.Team, &p.gone, &p.generation, &p.command, &p.ack, &p.applied, &p.merged, &p.late, &p.refused,
		&p.last.Seq, &p.last.Seen, &p.out.next, &kept} {
		*v = r.u32()
	}
	f := r.u8()
	p.online, p.who.Bot, p.who.Spectator, p.hasInput = f&1 != 0, f&2 != 0, f&4 != 0, f&8 != 0
	p.repeats, p.last.Frac, p.last.Buttons = r.u8(), r.u8(), r.u16()
	for i := range p.last.Axes {
		p.last.Axes[i] = int16(r.u16())
	}
	p.who = journal.Join{ID: string(r.bytes()), Name: string(r.bytes()), Team: p.who.Team, Bot: p.who.Bot, Spectator: p.who.Spectator}
	p.out.buf = append([]byte(nil), r.bytes()...)
	p.out.n = int(kept)
	r.bad = r.bad || !p.out.whole()
	return p
}

// whole reports whether the buffer holds exactly n messages.
func (o *outbox) whole() bool {
	b, n := o.buf, 0
	for len(b) >= 3 {
		size := 3 + int(binary.LittleEndian.Uint16(b[1:]))
		if size > len(b) {
			return false
		}
		b = b[size:]
		n++
	}
	return len(b) == 0 && n == o.n && n <= maxKept && uint32(n) <= o.next
}
