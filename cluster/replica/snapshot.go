package replica

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/overtime-server/overtime/game/journal"
)

// Snapshot is a whole state on its way to a receiver.
//
// Encoded, little-endian: 4 bytes "OVS" and the version, length uint32 of what follows up to the checksum, match length uint8 and
// id, epoch, tenure and tick uint32, hash uint64, flag uint8, the state, and CRC-32C of all before.
type Snapshot struct {
	Match string
	Epoch uint32 // in which it was made
	Since uint32 // tenure of the owner
	Tick  uint32
	Hash  uint64 // state hash
	Diff  bool   // ticks after it come as state differences
	State []byte // at most journal.MaxState bytes
}

const (
	snapshotMagic = "OVS\x01"
	snapshotFixed = 1 + 3*4 + 8 + 1 // between length and state, without the id
	snapshotRest  = len(snapshotMagic) + 4 + 4
	maxSnapshot   = journal.MaxState + snapshotFixed + MaxMatch
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Append appends the snapshot's encoding to b.
func (s *Snapshot) Append(b []byte) []byte {
	le, at := binary.LittleEndian, len(b)
	b = append(b, snapshotMagic...)
	b = le.AppendUint32(b, uint32(snapshotFixed+len(s.Match)+len(s.State)))
	b = append(b, byte(len(s.Match)))
	b = append(b, s.Match...)
	b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, s.Epoch), s.Since), s.Tick)
	b = le.AppendUint64(b, s.Hash)
	b = append(b, boolByte(s.Diff))
	b = append(b, s.State...)
	return le.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
}

// ParseSnapshot reads one snapshot, which is all of b. State lies in b. Errors wrap [ErrSnapshot].
func ParseSnapshot(b []byte) (*Snapshot, error) {
	if len(b) < snapshotRest || string(b[:4]) != snapshotMagic {
		return nil, fmt.Errorf("%w: not a snapshot", ErrSnapshot)
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, fmt.Errorf("%w: checksum differs", ErrSnapshot)
	}
	d := decoder{b: body[4:]}
	d.bad = int64(d.u32()) != int64(len(body)-8)
	s := &Snapshot{Match: string(d.take(int(d.u8())))}
	s.Epoch, s.Since, s.Tick = d.u32(), d.u32(), d.u32()
	s.Hash, s.Diff = d.u64(), d.bool()
	s.State = d.rest(journal.MaxState)
	if d.bad || s.Match == "" || len(s.Match) > MaxMatch {
		return nil, fmt.Errorf("%w: content makes no sense", ErrSnapshot)
	}
	return s, nil
}

// ReadSnapshot reads one snapshot from a bulk connection, of which at most limit bytes are state (0: as many as there may be).
// Memory grows with what has arrived, not with what is announced. The bytes are for [ParseSnapshot].
func ReadSnapshot(r io.Reader, limit int) ([]byte, error) {
	if limit <= 0 || limit > journal.MaxState {
		limit = journal.MaxState
	}
	head := make([]byte, len(snapshotMagic)+4)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	n := int64(binary.LittleEndian.Uint32(head[4:]))
	if string(head[:4]) != snapshotMagic || n < snapshotFixed || n > int64(limit)+snapshotFixed+MaxMatch || n > maxSnapshot {
		return nil, fmt.Errorf("%w: announces %d bytes", ErrSnapshot, n)
	}
	var buf bytes.Buffer
	buf.Write(head)
	if got, err := io.CopyN(&buf, r, n+4); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("%w: %d of %d bytes: %w", ErrSnapshot, got, n+4, err)
	}
	return buf.Bytes(), nil
}
