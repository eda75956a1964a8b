package journal

import (
	"encoding/binary"

	"github.com/overtime-server/overtime/game"
)

// Bits of the flag bytes in a record.
const (
	flagVoid = 1 << 0 // record

	flagBot       = 1 << 0 // join
	flagSpectator = 1 << 1

	flagSamples = 3      // inputs: number of samples
	flagCounts  = 1 << 2 // inputs: merged, late and refused follow

	flagRepeated = 1 << 0 // sample
	flagButtons  = 1 << 1
	flagAxis     = 1 << 2 // shifted by the axis
)

// minSample is the least number of bytes that a sample takes: flags, fraction and two distances.
const minSample = 4

// appendHeader appends a header's payload: match, epoch, game, version, seed, hz, every, seats, hold, pause, settings, started.
func appendHeader(b []byte, h *Header) []byte {
	b = appendString(b, h.Match)
	b = binary.AppendUvarint(b, uint64(h.Epoch))
	b = appendString(b, h.Game)
	b = binary.AppendUvarint(b, uint64(h.Version))
	b = binary.LittleEndian.AppendUint64(b, h.Seed)
	b = binary.AppendUvarint(b, uint64(h.Hz))
	b = binary.AppendUvarint(b, uint64(h.Every))
	b = binary.AppendUvarint(b, uint64(h.Seats))
	b = binary.AppendUvarint(b, uint64(h.SeatHold))
	b = binary.AppendVarint(b, int64(h.Pause))
	b = appendBytes(b, h.Settings)
	return binary.AppendVarint(b, h.Started)
}

// appendRecord appends a record's payload: flags, hash, events, inputs. The tick is in the block's head.
func appendRecord(b []byte, r *Record) []byte {
	flags := byte(0)
	if r.Void {
		flags |= flagVoid
	}
	b = append(b, flags)
	b = binary.LittleEndian.AppendUint64(b, r.Hash)
	b = binary.AppendUvarint(b, uint64(len(r.Events)))
	for i := range r.Events {
		b = appendEvent(b, &r.Events[i])
	}
	b = binary.AppendUvarint(b, uint64(len(r.Inputs)))
	player := uint32(0)
	for i := range r.Inputs {
		b = appendInputs(b, &r.Inputs[i], r.Tick, player)
		player = r.Inputs[i].Player
	}
	return b
}

// appendEvent appends kind, player, number, data and, for a join, who it is.
func appendEvent(b []byte, e *Event) []byte {
	b = append(b, byte(e.Kind))
	b = binary.AppendUvarint(b, uint64(e.Player))
	b = binary.AppendUvarint(b, uint64(e.Number))
	b = appendBytes(b, e.Data)
	if e.Kind != game.EventJoin {
		return b
	}
	b = appendString(b, e.Join.ID)
	b = appendString(b, e.Join.Name)
	b = binary.AppendUvarint(b, uint64(e.Join.Team))
	flags := byte(0)
	if e.Join.Bot {
		flags |= flagBot
	}
	if e.Join.Spectator {
		flags |= flagSpectator
	}
	return append(b, flags)
}

// appendInputs appends one player's inputs: the gap from the player before, flags, acknowledgements, counts if there
// are any, and the samples. Samples lie close to Ack and to the tick, so they are coded as differences from those.
func appendInputs(b []byte, in *Inputs, tick, before uint32) []byte {
	b = binary.AppendUvarint(b, uint64(in.Player-before))
	flags := byte(len(in.Samples))
	if in.Merged|in.Late|in.Refused != 0 {
		flags |= flagCounts
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, uint64(in.Ack))
	b = binary.AppendUvarint(b, uint64(in.MessageAck))
	if flags&flagCounts != 0 {
		b = binary.AppendUvarint(b, uint64(in.Merged))
		b = binary.AppendUvarint(b, uint64(in.Late))
		b = binary.AppendUvarint(b, uint64(in.Refused))
	}
	for i := range in.Samples {
		b = appendSample(b, &in.Samples[i], in.Ack, tick)
	}
	return b
}

// appendSample appends flags, distances from ack and tick, the fraction, and the controls that are not zero.
func appendSample(b []byte, s *game.Input, ack, tick uint32) []byte {
	flags := byte(0)
	if s.Repeated {
		flags |= flagRepeated
	}
	if s.Buttons != 0 {
		flags |= flagButtons
	}
	for i, v := range s.Axes {
		if v != 0 {
			flags |= flagAxis << i
		}
	}
	b = append(b, flags, s.Frac)
	b = binary.AppendVarint(b, int64(int32(ack-s.Seq)))
	b = binary.AppendVarint(b, int64(int32(tick-s.Seen)))
	if s.Buttons != 0 {
		b = binary.AppendUvarint(b, uint64(s.Buttons))
	}
	for _, v := range s.Axes {
		if v != 0 {
			b = binary.AppendVarint(b, int64(v))
		}
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendBytes(b, s []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
