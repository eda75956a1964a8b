package relay

import "time"

// queue is one direction of a connection: bytes under way and when they are due. It allocates only while it grows.
type queue struct {
	line  *Line
	marks []mark // what was handed in at once, in order
	mark  int    // first of marks that is not yet taken
	data  []byte
	at    int // first byte of data that is not yet taken
}

// mark is n bytes that are due at a time.
type mark struct {
	due time.Duration
	n   int
}

// push adds b, handed in at now, and reports whether it is alone.
func (q *queue) push(now time.Duration, b []byte) (first bool) {
	first = q.empty()
	q.marks = append(q.marks, mark{q.line.Send(now, len(b)), len(b)})
	q.data = append(q.data, b...)
	return first
}

func (q *queue) empty() bool { return q.mark == len(q.marks) }

// bytes returns how many are under way.
func (q *queue) bytes() int { return len(q.data) - q.at }

// due returns when the first bytes are; the queue must not be empty.
func (q *queue) due() time.Duration { return q.marks[q.mark].due }

// take moves bytes that are due at now into p and returns how many.
func (q *queue) take(now time.Duration, p []byte) (n int) {
	for n < len(p) && !q.empty() && q.due() <= now {
		m := &q.marks[q.mark]
		k := copy(p[n:], q.data[q.at:q.at+m.n])
		n += k
		q.at += k
		if m.n -= k; m.n == 0 {
			q.mark++
		}
	}
	switch {
	case q.empty():
		q.clear()
	case q.mark > 64 && q.mark > len(q.marks)/2:
		q.data = append(q.data[:0], q.data[q.at:]...)
		q.marks = append(q.marks[:0], q.marks[q.mark:]...)
		q.at, q.mark = 0, 0
	}
	return n
}

// clear loses everything.
func (q *queue) clear() { q.marks, q.mark, q.data, q.at = q.marks[:0], 0, q.data[:0], 0 }
