package journal

import (
	"errors"
	"fmt"
	"io"
)

// Errors of NewReader about files that are no journal of ours.
var (
	ErrFormat  = errors.New("not a journal")
	ErrVersion = errors.New("journal of another format version")
)

// TornError says that a journal stops before its end block: the process that wrote it died, or is still writing. All
// blocks before Offset were whole. It unwraps to io.ErrUnexpectedEOF.
type TornError struct {
	Offset int64  // where the first block that is not whole begins, in bytes from the start
	Rest   int64  // bytes that there are from Offset on
	Tick   uint32 // last tick of which a whole record or checkpoint was read; 0 if none
}

// Error implements error.
func (e *TornError) Error() string {
	return fmt.Sprintf("journal is torn at offset %d, %d bytes into a block, after tick %d", e.Offset, e.Rest, e.Tick)
}

// Unwrap makes errors.Is(err, io.ErrUnexpectedEOF) true.
func (e *TornError) Unwrap() error { return io.ErrUnexpectedEOF }

// CorruptError names a block that is not what was written. All blocks before Offset were good.
type CorruptError struct {
	Offset int64  // where the block begins, in bytes from the start
	Kind   Kind   // of the block; 0 if its head is damaged
	Tick   uint32 // of the block; 0 if its head is damaged or it is the header
	After  uint32 // last tick of which a good record or checkpoint was read; 0 if none
	Err    error  // what is wrong
}

// Error implements error.
func (e *CorruptError) Error() string {
	if e.Kind == 0 {
		return fmt.Sprintf("journal is damaged at offset %d, after tick %d: %v", e.Offset, e.After, e.Err)
	}
	return fmt.Sprintf("journal is damaged at offset %d, %s of tick %d: %v", e.Offset, e.Kind, e.Tick, e.Err)
}

// Unwrap returns what is wrong.
func (e *CorruptError) Unwrap() error { return e.Err }

// What can be wrong with a block; found in CorruptError.Err.
var (
	errHeadSum    = errors.New("head checksum differs")
	errPayloadSum = errors.New("payload checksum differs")
	errContent    = errors.New("content makes no sense")
	errTrailing   = errors.New("bytes after the end block")
	errNoHeader   = errors.New("first block is not the header")
	errHeader     = errors.New("second header")
	errKind       = errors.New("unknown kind of block")
)
