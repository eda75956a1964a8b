package delta_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"os"
	"slices"
)

// Recorded Quake 3 matches: what the recording player's own client was sent, snapshot by snapshot, with the bytes that
// the original server took for each. A .q3snap.gz file is little-endian:
//
//	header  "Q3SNAP1\n", u32 protocol, u32 words of an entity (52), u32 words of a player state
//	record  u32 0x80000000: another map, all state is zero again; or u32 server time in ms and then:
//	        u32 message number, u32 wire bytes, u32 command bytes (text of reliable commands in them),
//	        u16 entities, u16 changed, u16 removed, u16 changed words of the player state,
//	        the latter as (u16 index, u32 word), removed as u16 number,
//	        changed as (u16 number, u64 mask of words, u32 for each)

const (
	q3Entities = 1024
	q3Words    = 52
	q3Restart  = 0x80000000
)

// q3Snapshot is the whole state after one snapshot. Words that the game has as floats are their bits.
type q3Snapshot struct {
	bytes  int                         // that the original took, without commands
	live   []uint16                    // numbers of the entities that are there, ascending
	entity [q3Entities][q3Words]uint32 // zero if not there
	player []uint32                    // the words of the player state, and the server's time in ms
}

// q3Reader reads one file. Errors are sticky: io.EOF at the end.
type q3Reader struct {
	r   *bufio.Reader
	err error
	q3Snapshot
}

func openQ3(name string) (*q3Reader, error) {
	f, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r := &q3Reader{r: bufio.NewReader(z)}
	var magic [8]byte
	r.read(magic[:])
	r.u32()
	words, player := r.u32(), r.u32()
	if r.err != nil || string(magic[:]) != "Q3SNAP1\n" || words != q3Words || player > 4096 {
		return nil, fmt.Errorf("%s: not a recorded match: %v", name, r.err)
	}
	r.player = make([]uint32, player+1)
	return r, nil
}

// time returns the server's time in ms.
func (s *q3Snapshot) time() uint32 { return s.player[len(s.player)-1] }

// next reads one snapshot; it returns io.EOF after the last one.
func (r *q3Reader) next() error {
	time := r.u32()
	for time == q3Restart && r.err == nil {
		clear(r.entity[:])
		clear(r.player)
		r.live = r.live[:0]
		time = r.u32()
	}
	if r.err != nil {
		return r.err // between records: the end
	}
	r.player[len(r.player)-1] = time
	r.u32()
	wire := int(r.u32())
	r.bytes = wire - int(r.u32()) // without the commands
	entities, changed, removed, words := r.u16(), r.u16(), r.u16(), r.u16()
	for range words {
		i := r.u16()
		v := r.u32()
		if int(i) >= len(r.player)-1 {
			return r.bad("word %d of the player state", i)
		}
		r.player[i] = v
	}
	for range removed {
		n := r.u16()
		at, ok := slices.BinarySearch(r.live, n)
		if !ok {
			return r.bad("entity %d is gone, but was not there", n)
		}
		r.live = slices.Delete(r.live, at, at+1)
		r.entity[n] = [q3Words]uint32{}
	}
	for range changed {
		if err := r.change(r.u16(), r.u64()); err != nil {
			return err
		}
	}
	if r.err == nil && len(r.live) != int(entities) {
		return r.bad("%d entities, not %d", len(r.live), entities)
	}
	if r.err == io.EOF {
		r.err = io.ErrUnexpectedEOF
	}
	return r.err
}

func (r *q3Reader) change(n uint16, mask uint64) error {
	if n >= q3Entities || mask>>q3Words != 0 {
		return r.bad("entity %d, words %x", n, mask)
	}
	if at, ok := slices.BinarySearch(r.live, n); !ok {
		r.live = slices.Insert(r.live, at, n)
	}
	for ; mask != 0; mask &= mask - 1 {
		r.entity[n][bits.TrailingZeros64(mask)] = r.u32()
	}
	return nil
}

func (r *q3Reader) bad(format string, args ...any) error {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	return r.err
}

func (r *q3Reader) read(b []byte) {
	if r.err != nil {
		clear(b)
		return
	}
	if _, err := io.ReadFull(r.r, b); err != nil {
		clear(b)
		r.err = err
	}
}

func (r *q3Reader) u16() uint16 {
	var b [2]byte
	r.read(b[:])
	return binary.LittleEndian.Uint16(b[:])
}

func (r *q3Reader) u32() uint32 {
	var b [4]byte
	r.read(b[:])
	return binary.LittleEndian.Uint32(b[:])
}

func (r *q3Reader) u64() uint64 { return uint64(r.u32()) | uint64(r.u32())<<32 }
