package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
)

// fillStep is how many bytes of memory a block gets before any of it has arrived.
const fillStep = 64 << 10

// Entry is one block after the header.
type Entry struct {
	Kind   Kind
	Tick   uint32  // of the record; of the checkpoint; last tick of the match
	Record *Record // KindRecord; valid until the following Next
	State  []byte  // KindCheckpoint; valid until the following Next
	Reason string  // KindEnd
	Offset int64   // where the block begins, in bytes from the start
}

// Reader reads a journal that nobody vouches for. It is used by one goroutine.
type Reader struct {
	r      *bufio.Reader
	header Header

	// Where it is.
	offset int64 // of the next block
	seq    sequence
	ended  bool
	err    error // sticks

	// Memory used again for every block.
	head [headSize]byte
	buf  []byte
	rec  recordReader
}

// NewReader reads the header of a journal. It buffers r itself. Errors: ErrFormat, ErrVersion, *TornError, *CorruptError,
// or what r returned.
func NewReader(r io.Reader) (*Reader, error) {
	jr := &Reader{r: bufio.NewReaderSize(r, 32<<10)}
	if err := jr.preamble(); err != nil {
		return nil, err
	}
	h, payload, err := jr.block()
	if err != nil {
		return nil, err
	}
	if h.kind != KindHeader || h.tick != 0 {
		return nil, jr.corrupt(h, errNoHeader)
	}
	if jr.header, err = decodeHeader(payload); err != nil {
		return nil, jr.corrupt(h, err)
	}
	jr.offset += headSize + int64(len(payload))
	return jr, nil
}

// Header returns how the journal begins.
func (r *Reader) Header() Header { return r.header }

// Next returns the next block. After the end block it returns io.EOF; a journal without one gives a *TornError, a damaged
// one a *CorruptError. Every error is returned again by all later calls.
func (r *Reader) Next() (Entry, error) {
	if r.err != nil {
		return Entry{}, r.err
	}
	e, err := r.next()
	if err != nil {
		r.err = err
		return Entry{}, err
	}
	return e, nil
}

func (r *Reader) next() (Entry, error) {
	if r.ended {
		return Entry{}, r.eof()
	}
	h, payload, err := r.block()
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Kind: h.kind, Tick: h.tick, Offset: r.offset}
	switch h.kind {
	case KindRecord:
		if err = r.seq.record(h.tick); err == nil {
			e.Record, err = r.rec.decode(payload, h.tick)
		}
	case KindCheckpoint:
		e.State, err = payload, r.seq.checkpoint(h.tick)
	case KindEnd:
		if h.tick != r.seq.last {
			err = fmt.Errorf("%w: end at tick %d after tick %d", ErrOrder, h.tick, r.seq.last)
		}
		e.Reason, r.ended = string(payload), true
	default:
		err = errHeader
	}
	if err != nil {
		return Entry{}, r.corrupt(h, err)
	}
	r.offset += headSize + int64(len(payload))
	return e, nil
}

// preamble reads the magic and the version.
func (r *Reader) preamble() error {
	var b [len(magic)]byte
	n, err := io.ReadFull(r.r, b[:])
	const name = len(magic) - 1
	switch {
	case string(b[:min(n, name)]) != magic[:min(n, name)]:
		return ErrFormat
	case err != nil:
		return r.torn(int64(n), err)
	case b[name] != magic[name]:
		return fmt.Errorf("%w: version %d, this program reads %d", ErrVersion, b[name], magic[name])
	}
	r.offset = int64(len(magic))
	return nil
}

// block reads one block and checks everything about it but its content. The payload is valid until the next call.
func (r *Reader) block() (h head, payload []byte, err error) {
	n, err := io.ReadFull(r.r, r.head[:])
	if err != nil {
		return h, nil, r.torn(int64(n), err)
	}
	h, ok := parseHead(r.head[:])
	if !ok {
		return h, nil, r.corrupt(head{}, errHeadSum)
	}
	limit, ok := h.kind.limit()
	switch {
	case !ok:
		return h, nil, r.corrupt(h, errKind)
	case h.length > limit:
		return h, nil, r.corrupt(h, fmt.Errorf("%w: %d bytes, at most %d", ErrLimit, h.length, limit))
	}
	if err := r.fill(int(h.length)); err != nil {
		return h, nil, r.torn(headSize+int64(len(r.buf)), err)
	}
	if sum(r.buf) != h.payload {
		return h, nil, r.corrupt(h, errPayloadSum)
	}
	return h, r.buf, nil
}

// fill reads n bytes into buf. Memory follows what arrives: it at most doubles at a time, so that a length that is not
// backed by bytes costs nothing.
func (r *Reader) fill(n int) error {
	r.buf = r.buf[:0]
	for len(r.buf) < n {
		at := len(r.buf)
		step := min(n-at, max(fillStep, at))
		r.buf = slices.Grow(r.buf, step)[:at+step]
		m, err := io.ReadFull(r.r, r.buf[at:])
		r.buf = r.buf[:at+m]
		if err != nil {
			return err
		}
	}
	return nil
}

// eof checks that nothing follows the end block.
func (r *Reader) eof() error {
	switch _, err := r.r.ReadByte(); err {
	case nil:
		return r.corrupt(head{}, errTrailing)
	default:
		if err != io.EOF {
			err = fmt.Errorf("read journal at offset %d: %w", r.offset, err)
		}
		return err
	}
}

// torn turns the error that ended a block early into a result; rest is how much of the block there was.
func (r *Reader) torn(rest int64, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &TornError{Offset: r.offset, Rest: rest, Tick: r.seq.last}
	}
	return fmt.Errorf("read journal at offset %d: %w", r.offset+rest, err)
}

func (r *Reader) corrupt(h head, err error) error {
	return &CorruptError{Offset: r.offset, Kind: h.kind, Tick: h.tick, After: r.seq.last, Err: err}
}
