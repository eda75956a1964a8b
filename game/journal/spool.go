package journal

import (
	"errors"
	"io"
	"sync"
)

// ErrSpoolFull says that a disk was too slow for a recording, which stops there.
var ErrSpoolFull = errors.New("journal spool is full")

// ErrSpoolClosed is returned by a Write after Close.
var ErrSpoolClosed = errors.New("journal spool is closed")

// Spool is an io.Writer that never blocks: bytes go to a bounded buffer, and one goroutine of its own takes them to the real
// writer. When the buffer is full, or the real writer fails, every later Write fails: what has been taken is still written,
// so the file is a journal with a torn tail at worst.
type Spool struct {
	// Static.
	w     io.Writer
	limit int
	wake  chan struct{} // of size 1; never closed
	done  chan struct{} // closed by run

	mu      sync.Mutex // guards the following
	pending []byte
	closed  bool
	err     error // first error; sticks
}

// NewSpool starts a spool that holds at most limit bytes (of the buffer that fills and, once more, of the one being
// written). w is used by the spool's goroutine until Close has returned, and is not closed.
func NewSpool(w io.Writer, limit int) *Spool {
	s := &Spool{w: w, limit: limit, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go s.run()
	return s
}

// Write takes all of b, or nothing and returns ErrSpoolFull, ErrSpoolClosed or the error of the real writer. It never blocks
// and does not retain b. It is called by one goroutine, a whole block at a time.
func (s *Spool) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return 0, s.err
	case s.closed:
		return 0, ErrSpoolClosed
	case len(s.pending)+len(b) > s.limit:
		s.err = ErrSpoolFull
		return 0, s.err
	}
	s.pending = append(s.pending, b...)
	s.signal()
	return len(b), nil
}

// Close writes what is pending, waits for it and returns the first error there was. It may be called more than once.
func (s *Spool) Close() error {
	s.mu.Lock()
	s.closed = true
	s.signal()
	s.mu.Unlock()
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// signal wakes run, unless it is about to look anyway.
func (s *Spool) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run is the spool's goroutine. It swaps buffers with Write so that neither waits for the other.
func (s *Spool) run() {
	defer close(s.done)
	var out []byte
	for range s.wake {
		s.mu.Lock()
		out, s.pending = s.pending, out[:0]
		closed := s.closed
		s.mu.Unlock()
		if len(out) > 0 {
			if err := s.flush(out); err != nil {
				return
			}
		}
		if closed {
			return
		}
	}
}

// flush writes to the real writer and keeps its error.
func (s *Spool) flush(b []byte) error {
	n, err := s.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		s.mu.Lock()
		if s.err == nil || s.err == ErrSpoolFull {
			s.err = err
		}
		s.pending = nil
		s.mu.Unlock()
	}
	return err
}
