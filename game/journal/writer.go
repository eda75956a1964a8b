package journal

import (
	"fmt"
	"io"
)

// Writer writes a journal. It is used by the goroutine that owns the match. Every block is one Write; nothing is allocated
// once the buffer has grown to the largest block. The first error sticks: a journal with a gap is worth nothing after it.
type Writer struct {
	w     io.Writer
	buf   []byte // the block being made
	seq   sequence
	ended bool
	err   error
	bytes int64
}

// NewWriter begins a journal on w, which stays the caller's to close.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	if err := h.Validate(); err != nil {
		return nil, err
	}
	jw := &Writer{w: w, buf: make([]byte, 0, 4<<10)}
	b := append(jw.buf, magic...)
	b = append(b, make([]byte, headSize)...)
	b = appendHeader(b, &h)
	seal(b[len(magic):], KindHeader, 0)
	return jw, jw.write(b)
}

// WriteRecord appends what a tick saw, after the tick, with its hash. r is not retained.
func (w *Writer) WriteRecord(r *Record) error {
	if w.err != nil {
		return w.err
	}
	if err := r.check(); err != nil {
		return w.fail(err)
	}
	if err := w.open(w.seq.record(r.Tick)); err != nil {
		return err
	}
	b := appendRecord(w.block(), r)
	if len(b)-headSize > MaxRecord {
		return w.fail(fmt.Errorf("%w: record of tick %d has %d bytes", ErrLimit, r.Tick, len(b)-headSize))
	}
	seal(b, KindRecord, r.Tick)
	return w.write(b)
}

// WriteCheckpoint appends the state after a tick: that of the last record or, as the first block, that from which the match
// goes on. state is not retained.
func (w *Writer) WriteCheckpoint(tick uint32, state []byte) error {
	if w.err != nil {
		return w.err
	}
	if len(state) > MaxState {
		return w.fail(fmt.Errorf("%w: state of tick %d has %d bytes", ErrLimit, tick, len(state)))
	}
	if err := w.open(w.seq.checkpoint(tick)); err != nil {
		return err
	}
	b := append(w.block(), state...)
	seal(b, KindCheckpoint, tick)
	return w.write(b)
}

// End appends the last block: why the match ended. A longer reason than MaxReason is cut. Nothing can be written afterwards.
func (w *Writer) End(reason string) error {
	if err := w.open(nil); err != nil {
		return err
	}
	b := append(w.block(), reason[:min(len(reason), MaxReason)]...)
	seal(b, KindEnd, w.seq.last)
	w.ended = true
	return w.write(b)
}

// Err returns the error that stopped the journal, or nil.
func (w *Writer) Err() error { return w.err }

// Bytes returns how many bytes have been written.
func (w *Writer) Bytes() int64 { return w.bytes }

// open reports whether a block may be written whose place in the order was judged with orderErr.
func (w *Writer) open(orderErr error) error {
	switch {
	case w.err != nil:
		return w.err
	case w.ended:
		return fmt.Errorf("%w: the journal has ended", ErrOrder)
	case orderErr != nil:
		return w.fail(orderErr)
	}
	return nil
}

// block returns the buffer with room for a head.
func (w *Writer) block() []byte { return w.buf[:headSize] }

func (w *Writer) fail(err error) error {
	w.err = err
	return err
}

func (w *Writer) write(b []byte) error {
	w.buf = b[:0]
	n, err := w.w.Write(b)
	w.bytes += int64(n)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return w.fail(fmt.Errorf("write journal: %w", err))
	}
	return nil
}
