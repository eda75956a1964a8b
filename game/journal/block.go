package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// magic begins every journal; its last byte is the version of the format.
const magic = "OVTJRNL\x01"

// headSize is the size of a block's head in bytes.
const headSize = 17

// Kind says what a block is.
type Kind uint8

// Kinds of blocks.
const (
	KindHeader     Kind = iota + 1 // Header; first and once
	KindRecord                     // Record
	KindCheckpoint                 // state after a tick
	KindEnd                        // reason; nothing follows
)

// String returns the name that errors use.
func (k Kind) String() string {
	switch k {
	case KindHeader:
		return "header"
	case KindRecord:
		return "record"
	case KindCheckpoint:
		return "checkpoint"
	case KindEnd:
		return "end"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// limit is the largest payload of a kind of block in bytes; ok is false for a kind that does not exist.
func (k Kind) limit() (n uint32, ok bool) {
	switch k {
	case KindHeader:
		return maxHeader, true
	case KindRecord:
		return MaxRecord, true
	case KindCheckpoint:
		return MaxState, true
	case KindEnd:
		return MaxReason, true
	}
	return 0, false
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sum is the checksum of the format.
func sum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// head is a decoded block head.
type head struct {
	length  uint32
	kind    Kind
	tick    uint32
	payload uint32 // checksum
}

// seal fills in the head at the start of b, whose payload follows it.
func seal(b []byte, k Kind, tick uint32) {
	payload := b[headSize:]
	binary.LittleEndian.PutUint32(b[0:], uint32(len(payload)))
	b[4] = byte(k)
	binary.LittleEndian.PutUint32(b[5:], tick)
	binary.LittleEndian.PutUint32(b[9:], sum(payload))
	binary.LittleEndian.PutUint32(b[13:], sum(b[:13]))
}

// parseHead reads a head of headSize bytes; ok is false if its checksum is wrong.
func parseHead(b []byte) (h head, ok bool) {
	h = head{
		length:  binary.LittleEndian.Uint32(b[0:]),
		kind:    Kind(b[4]),
		tick:    binary.LittleEndian.Uint32(b[5:]),
		payload: binary.LittleEndian.Uint32(b[9:]),
	}
	return h, binary.LittleEndian.Uint32(b[13:]) == sum(b[:13])
}
