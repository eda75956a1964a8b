package relay

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

const (
	maxQueue  = 256 << 10        // bytes under way in one direction; past it the sender waits, as with a full socket buffer
	readSize  = 4 << 10          // bytes taken from the network at once
	lingering = 10 * time.Second // how long a closed connection may take to send what it still holds
)

// ErrCut is what both directions end with after the profile's cut.
var ErrCut = errors.New("relay: connection cut")

// Conn is a connection with network conditions on it: what is written reaches the peer later, and what the peer writes is
// read later. It has one goroutine (which reads from the network) and a timer each way. Make it with [Wrap]. As with any
// net.Conn, several goroutines may call its methods, one of them Read.
type Conn struct {
	net.Conn // static after construction: the real connection
	start    time.Time

	mu       sync.Mutex // guards the following fields
	up, down queue
	readers  *time.Timer // fires when the head of down is due
	writers  *time.Timer // calls drain when the head of up is due
	cutter   *time.Timer // nil if it is never cut
	readEnd  error       // reading ends with this once down is empty
	writeEnd error       // writing ended with this
	closed   bool        // by the user or by a cut
	draining bool        // a drain is running
	changed  chan struct{}
	limits   [2]limit // deadlines of reads and of writes

	out [1024]byte // owned by the drain that is running
}

// limit is one deadline.
type limit struct {
	at    time.Time
	timer *time.Timer // wakes whoever waits
}

func (l *limit) passed() bool { return !l.at.IsZero() && !time.Now().Before(l.at) }

// Wrap puts the conditions of a profile on a connection that was just made, whose client end this is. The seed decides
// everything that is random.
func Wrap(c net.Conn, p Profile, seed uint64) *Conn {
	r := &Conn{Conn: c, start: time.Now(), changed: make(chan struct{})}
	r.up.line, r.down.line = NewLine(p, seed, true), NewLine(p, seed, false)
	r.readers = time.NewTimer(time.Hour)
	r.readers.Stop()
	r.writers = time.AfterFunc(time.Hour, r.drain)
	r.writers.Stop()
	if at, reset := life(p, seed); at > 0 {
		r.mu.Lock()
		r.cutter = time.AfterFunc(at, func() { r.Cut(reset) })
		r.mu.Unlock()
	}
	go r.pump()
	return r
}

func (r *Conn) now() time.Duration { return time.Since(r.start) }

// wakeLocked wakes everybody who waits for room, for data or for the end.
func (r *Conn) wakeLocked() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// pump reads from the network and notes when what it read is due. It ends with the real connection.
func (r *Conn) pump() {
	buf := make([]byte, readSize)
	for r.pumpOnce(buf) {
	}
}

func (r *Conn) pumpOnce(buf []byte) bool {
	n, err := r.Conn.Read(buf)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	if n > 0 {
		if now := r.now(); r.down.push(now, buf[:n]) {
			r.readers.Reset(r.down.due() - now)
		}
	}
	if err != nil {
		r.readEnd = err
		r.wakeLocked()
		return false
	}
	for r.down.bytes() >= maxQueue && !r.closed {
		changed := r.changed
		r.mu.Unlock()
		<-changed
		r.mu.Lock()
	}
	return true
}

// Read returns what is due, and waits for it.
func (r *Conn) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		now := r.now()
		switch {
		case r.closed || r.down.empty() && r.readEnd != nil:
			return 0, r.readEnd
		case r.limits[0].passed():
			return 0, os.ErrDeadlineExceeded
		}
		full := r.down.bytes() >= maxQueue
		if n := r.down.take(now, p); n > 0 || len(p) == 0 {
			if full {
				r.wakeLocked()
			}
			return n, nil
		}
		if !r.down.empty() {
			r.readers.Reset(r.down.due() - now)
		}
		changed := r.changed
		r.mu.Unlock()
		select {
		case <-r.readers.C:
		case <-changed:
		}
		r.mu.Lock()
	}
}

// Write takes b for later. It blocks while too much is under way.
func (r *Conn) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		switch {
		case r.writeEnd != nil:
			return 0, r.writeEnd
		case r.limits[1].passed():
			return 0, os.ErrDeadlineExceeded
		case r.up.bytes() < maxQueue:
			if now := r.now(); r.up.push(now, b) && !r.draining {
				r.writers.Reset(r.up.due() - now)
			}
			return len(b), nil
		}
		changed := r.changed
		r.mu.Unlock()
		<-changed
		r.mu.Lock()
	}
}

// drain writes what is due to the network. The writers' timer calls it; only one runs.
func (r *Conn) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.draining {
		return
	}
	r.draining = true
	for !r.up.empty() && r.up.due() <= r.now() && r.writeEnd != ErrCut {
		full := r.up.bytes() >= maxQueue
		n := r.up.take(r.now(), r.out[:])
		if full {
			r.wakeLocked()
		}
		r.mu.Unlock()
		_, err := r.Conn.Write(r.out[:n])
		r.mu.Lock()
		if err != nil {
			r.up.clear()
			r.writeEnd = err
			r.wakeLocked()
		}
	}
	r.draining = false
	switch {
	case !r.up.empty():
		r.writers.Reset(r.up.due() - r.now())
	case r.closed:
		r.Conn.Close()
	}
}

// Close ends reading at once, and the real connection when what was written has been sent.
func (r *Conn) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return net.ErrClosed
	}
	r.endLocked(net.ErrClosed)
	if r.up.empty() && !r.draining {
		return r.Conn.Close()
	}
	time.AfterFunc(lingering, func() { r.Conn.Close() })
	return nil
}

// Cut ends the connection now and loses what is under way, with a reset (RST) or an orderly end (FIN) towards the peer.
// Reads and writes end with [ErrCut].
func (r *Conn) Cut(reset bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.endLocked(ErrCut)
	r.writers.Stop()
	r.up.clear()
	if l, ok := r.Conn.(interface{ SetLinger(int) error }); ok && reset {
		l.SetLinger(0)
	}
	r.Conn.Close()
}

// endLocked ends both directions for the user of the connection.
func (r *Conn) endLocked(err error) {
	r.closed, r.readEnd, r.writeEnd = true, err, err
	r.down.clear()
	r.readers.Stop()
	if r.cutter != nil {
		r.cutter.Stop()
	}
	for i := range r.limits {
		if t := r.limits[i].timer; t != nil {
			t.Stop()
		}
	}
	r.wakeLocked()
}

// SetDeadline sets both deadlines.
func (r *Conn) SetDeadline(t time.Time) error {
	return errors.Join(r.SetReadDeadline(t), r.SetWriteDeadline(t))
}

// SetReadDeadline sets the deadline of Read, also of one that is waiting; the zero time is none.
func (r *Conn) SetReadDeadline(t time.Time) error { return r.limit(0, t) }

// SetWriteDeadline sets the deadline of Write, also of one that is waiting; the zero time is none.
func (r *Conn) SetWriteDeadline(t time.Time) error { return r.limit(1, t) }

func (r *Conn) limit(i int, t time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return net.ErrClosed
	}
	l := &r.limits[i]
	l.at = t
	switch {
	case t.IsZero() && l.timer != nil:
		l.timer.Stop()
	case l.timer != nil:
		l.timer.Reset(time.Until(t))
	case !t.IsZero():
		l.timer = time.AfterFunc(time.Until(t), r.wake)
	}
	return nil
}

func (r *Conn) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wakeLocked()
}
