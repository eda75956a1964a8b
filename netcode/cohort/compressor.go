package cohort

import (
	"bytes"
	"runtime"
	"sync"

	"github.com/klauspost/compress/flate"
)

// Compressor deflates state frames, each by itself: a frame refers to nothing before it, so every client with any
// permessage-deflate can be sent the same bytes, join at any time and miss frames. It is safe for all goroutines.
//
// Which engine was chosen by measuring frames of the arena under bot play (bytes a frame after deflate, plain where
// that is smaller; CPU per frame on a 2.6 GHz EPYC; memory per engine):
//
//	                     16 players    64 players    200 players   keyframe of 64   memory
//	plain                67 B          140 B         337 B         2056 B
//	level 1              67 B  2.7 us  133 B  3.8 us 287 B  6.9 us 1404 B   24 us   804 KiB
//	level 6              67 B  2.2 us  129 B  5.4 us 274 B   11 us 1354 B   30 us   1060 KiB
//	level 7              59 B  7.9 us  124 B   11 us 273 B   16 us 1340 B   37 us   996 KiB
//	level 9              57 B   10 us  123 B   13 us 273 B   20 us 1337 B   56 us   1391 KiB
//	Huffman only         67 B  2.2 us  131 B  4.3 us 282 B  8.5 us 1546 B   20 us   316 KiB
//	StatelessDeflate     62 B  3.2 us  132 B  4.6 us 289 B  8.0 us 1405 B   25 us   285 KiB
//	compress/flate, Huff 57 B  4.1 us  124 B  7.1 us 281 B   13 us 1546 B   37 us   724 KiB
//
// Level 7 is within 2 bytes of the fewest at every size, and the best one for a Window, whose engines these are too. It is paid
// once per frame, not per player. Levels 1 to 6 and Huffman only never use the fixed code, which is what pays for a message
// of 100 bytes.
type Compressor struct {
	free chan *engine // nil stands for an engine that was not needed yet

	mu    sync.Mutex
	lent  int       // engines that are some window's own now
	spare []*engine // engines that were, at most MaxStreams with lent
}

// MaxStreams is how many windows keep an engine of 1 MiB to themselves, at most; the others share those of the processors.
const MaxStreams = 64

// streamAfter is how many messages without a newcomer make a window worth an engine of its own.
const streamAfter = 32

// engine is one compressor with where it writes to.
type engine struct {
	w   *flate.Writer
	out []byte
}

func (e *engine) Write(p []byte) (int, error) {
	e.out = append(e.out, p...)
	return len(p), nil
}

const level = 7

// NewCompressor returns a compressor with as many engines of 1 MiB as there are processors, made when first needed:
// one serves all matches of a process.
func NewCompressor() *Compressor {
	n := runtime.GOMAXPROCS(0)
	c := &Compressor{free: make(chan *engine, n)}
	for range n {
		c.free <- nil
	}
	return c
}

// tail is the empty block that ends a flushed message and does not travel (RFC 7692 section 7.2.1).
var tail = []byte{0, 0, 0xff, 0xff}

// Append appends the payload of a compressed message, without the tail that the receiver adds again, to dst. ok is
// false, and dst is returned as it was, if sending msg plain takes no more bytes. It does not allocate once dst has
// room, and waits for a few microseconds if all engines are busy. dst and msg must not overlap.
func (c *Compressor) Append(dst, msg []byte) (out []byte, ok bool) {
	out, ok = c.append(dst, nil, msg, nil)
	if !ok || len(out)-len(dst) >= len(msg) {
		return out[:len(dst)], false
	}
	return out, true
}

// append appends the payload of one message, a followed by b, that refers to itself and to before.
func (c *Compressor) append(dst, before, a, b []byte) (out []byte, ok bool) {
	e := <-c.free
	if e == nil {
		e = newEngine()
	}
	e.forget(before)
	out, ok = e.message(dst, a, b)
	c.free <- e
	return out, ok
}

// lend returns an engine for one window alone, nil if MaxStreams have one.
func (c *Compressor) lend() *engine {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lent == MaxStreams {
		return nil
	}
	c.lent++
	if n := len(c.spare); n > 0 {
		e := c.spare[n-1]
		c.spare = c.spare[:n-1]
		return e
	}
	return newEngine()
}

func (c *Compressor) giveBack(e *engine) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lent--
	c.spare = append(c.spare, e)
}

func newEngine() *engine {
	e := &engine{}
	e.w, _ = flate.NewWriter(e, level) // fails for an unknown level only
	return e
}

// forget begins anew: what follows refers to itself and to before only.
func (e *engine) forget(before []byte) { e.w.ResetDict(e, before) } // Reset would take the last one again

// message appends the payload of one more message, a followed by b, to dst.
func (e *engine) message(dst, a, b []byte) (out []byte, ok bool) {
	e.out = dst
	ok = e.flush(a, b) && bytes.HasSuffix(e.out, tail)
	out, e.out = e.out, nil
	if !ok {
		return out[:len(dst)], false
	}
	return out[:len(out)-len(tail)], true
}

func (e *engine) flush(a, b []byte) bool {
	if _, err := e.w.Write(a); err != nil {
		return false
	}
	if _, err := e.w.Write(b); err != nil {
		return false
	}
	return e.w.Flush() == nil
}
