package delta

import (
	"errors"
	"fmt"
	"slices"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/schema/wire"
)

// Errors of State.Apply. After each of them the state is what it was before, but the channel (with All: every channel)
// takes nothing but keyframes.
var (
	// ErrMalformed says that the frame cannot come from a correct server.
	ErrMalformed = errors.New("malformed state frame")
	// ErrHash says that the decoded state is not the server's, or not of its tick: ask for keyframes.
	ErrHash = errors.New("view hash differs")
	// ErrBase says that there is no state that the frame can be coded against: ask for keyframes, unless they are already on
	// their way.
	ErrBase = errors.New("state frame without its base")
)

// Result says what a state frame was.
type Result struct {
	Channel  game.Channel
	Tick     uint32
	Keyframe bool
	Clock    bool // a frame of All: the state is now complete for Tick
	Changed  int  // rows that the frame mentions
}

// Stats counts what a State has seen. Numbers only grow.
type Stats struct {
	Frames         uint64 // of All applied, keyframes included
	Keyframes      uint64 // applied, of all channels
	Changed        uint64 // rows mentioned in frames of All that were applied
	HashChecks     uint64
	HashMismatches uint64
	NoBase         uint64 // frames refused with ErrBase
	Malformed      uint64 // frames refused with ErrMalformed
}

// State is the receiver's side: the state of every channel that he receives, decoded from state frames. It satisfies
// game.View. It has one owner and, after warm-up, does not allocate.
type State struct {
	tables  *Tables
	every   uint32     // ticks per state frame
	live    []*channel // the channels that it has, ascending
	spare   []*channel // dropped ones, for reuse
	epoch   uint32     // of the last keyframe of All
	resumed bool       // no frame of All has come on the new connection
	stats   Stats
	reader  reader
}

// channel is what a State has of one channel.
type channel struct {
	id     game.Channel
	live   bool      // it is in State.live: it has had a keyframe
	fresh  bool      // cur is a keyframe that no frame of All has followed
	broken bool      // takes nothing but a keyframe
	cur    *Snapshot // the state
	next   *Snapshot // where the next frame is decoded
}

// NewState returns an empty state for the field tables of a welcome (see KindsFromWire) and its ticks per state frame, 1 to
// 255.
func NewState(kinds []game.Kind, every int) (*State, error) {
	t, err := NewTables(kinds)
	if err != nil {
		return nil, err
	}
	if every < 1 || every > 255 {
		return nil, fmt.Errorf("field tables: %d ticks per state frame, want 1 to 255", every)
	}
	return &State{tables: t, every: uint32(every)}, nil
}

// Apply takes one state frame: a message that schema.VerifyServer has accepted. The error, if any, is ErrMalformed, ErrHash or
// ErrBase itself.
func (s *State) Apply(m *wire.ServerMessage) (Result, error) {
	var head wire.Head
	if m.Head(&head) == nil {
		s.stats.Malformed++
		return Result{}, ErrMalformed
	}
	res := Result{Channel: game.Channel(m.Channel()), Keyframe: m.Keyframe()}
	ch, base, frames, err := s.prepare(m, &res)
	if err == nil {
		s.reader.read(m)
		if !ch.next.decode(base, frames, &s.reader) {
			err = ErrMalformed
		} else {
			err = s.check(ch.next, m, &head)
		}
	}
	if err != nil {
		s.refuse(res.Channel, err)
		return res, err
	}
	s.accept(ch, &res)
	if res.Clock {
		s.clock(frames, &res)
		if res.Keyframe {
			s.epoch = m.Epoch()
		}
	}
	return res, nil
}

// prepare finds the channel of a frame, its base (nil for a keyframe) and the number of state frames between them, sets the
// tick, and readies ch.next.
func (s *State) prepare(m *wire.ServerMessage, res *Result) (ch *channel, base *Snapshot, frames uint32, err error) {
	ch = s.find(res.Channel)
	if res.Keyframe {
		res.Tick = m.Tick()
		if ch == nil {
			ch = s.blank(res.Channel)
		}
		if ch == nil || m.Base() != 0 {
			return nil, nil, 0, ErrMalformed
		}
		ch.next.reset(res.Tick, res.Tick/s.every)
		return ch, nil, 0, nil
	}
	if m.Base() == 1 {
		return nil, nil, 0, ErrMalformed
	}
	if ch == nil || ch.broken {
		return nil, nil, 0, ErrBase
	}
	frames = max(1, uint32(m.Base()))
	base = ch.cur
	res.Tick = base.tick + frames*s.every
	if m.Tick() != 0 && m.Tick() != res.Tick {
		return nil, nil, 0, ErrBase
	}
	ch.next.reset(res.Tick, base.frame+frames)
	return ch, base, frames, nil
}

// check compares tick and view hash with what the frame says.
func (s *State) check(now *Snapshot, m *wire.ServerMessage, head *wire.Head) error {
	s.stats.HashChecks++
	full := m.Keyframe() || m.Tick() != 0
	if checkOf(now.tick, now.hash) != head.Check() || (full && now.hash != m.Hash()) {
		s.stats.HashMismatches++
		return ErrHash
	}
	return nil
}

// accept makes the decoded frame the channel's state.
func (s *State) accept(ch *channel, res *Result) {
	if !ch.live {
		s.spare = s.spare[:len(s.spare)-1] // where blank left it
		i := 0
		for i < len(s.live) && s.live[i].id < ch.id {
			i++
		}
		s.live = slices.Insert(s.live, i, ch)
	}
	ch.cur, ch.next = ch.next, ch.cur
	ch.live, ch.fresh, ch.broken = true, res.Keyframe, false
	res.Changed = s.reader.changed
	res.Clock = ch.id == game.All
	if res.Keyframe {
		s.stats.Keyframes++
	}
	if res.Clock {
		s.stats.Frames++
		s.stats.Changed += uint64(res.Changed)
	}
}

// clock brings the other channels to the tick of a frame of All. A keyframe of All, and the first frame after a resume, drops
// those that did not begin anew at the same tick. After a delta, those without a frame of their own are as predicted; one that is
// at neither end of the step has missed something.
func (s *State) clock(frames uint32, res *Result) {
	for i := len(s.live) - 1; i >= 0; i-- {
		ch := s.live[i]
		here := ch.cur.tick == res.Tick
		switch {
		case ch.id == game.All:
		case res.Keyframe || s.resumed:
			if !ch.fresh || !here {
				s.drop(i)
			}
		case ch.broken || here:
		case ch.cur.tick == res.Tick-frames*s.every:
			ch.next.predict(ch.cur, res.Tick, frames)
			ch.cur, ch.next = ch.next, ch.cur
		default:
			ch.broken = true
		}
		ch.fresh = false
	}
	s.resumed = false
}

// refuse counts a refused frame and closes its channel, with All every channel, to anything but keyframes.
func (s *State) refuse(c game.Channel, err error) {
	switch err {
	case ErrMalformed:
		s.stats.Malformed++
	case ErrBase:
		s.stats.NoBase++
	}
	for _, ch := range s.live {
		if c == game.All || ch.id == c {
			ch.broken = true
		}
	}
}

// find returns a live channel, or nil.
func (s *State) find(c game.Channel) *channel {
	for _, ch := range s.live {
		if ch.id == c {
			return ch
		}
	}
	return nil
}

// blank returns a channel that is not live yet, the last one of spare; nil if there are too many.
func (s *State) blank(c game.Channel) *channel {
	if len(s.live) == MaxChannels {
		return nil
	}
	if len(s.spare) == 0 {
		s.spare = append(s.spare, &channel{cur: NewSnapshot(s.tables, c), next: NewSnapshot(s.tables, c)})
	}
	ch := s.spare[len(s.spare)-1]
	ch.id, ch.cur.channel, ch.next.channel = c, c, c
	return ch
}

// drop forgets the i-th live channel and keeps its memory.
func (s *State) drop(i int) {
	ch := s.live[i]
	ch.live = false
	s.live = slices.Delete(s.live, i, i+1)
	s.spare = append(s.spare, ch)
}
