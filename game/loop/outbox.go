package loop

import "encoding/binary"

// Bounds of the reliable messages kept for one player; when either is passed, the oldest give way and are counted.
const (
	maxKept      = 64
	maxKeptBytes = 32 << 10
	maxResult    = 16 << 10 // bytes of a result that players are told; of a longer one they hear without its bytes
)

// Kinds of reliable messages.
const (
	MessageGame   = 0 // from the rules
	MessageResult = 1 // result of a round
	MessageAdmin  = 2 // text from an operator, UTF-8
)

// outbox is a player's queue of reliable messages that he has not acknowledged, oldest first, as blocks of
// kind (1), length (2, little endian), data in one buffer. It is match state.
type outbox struct {
	next uint32 // number of the newest message ever queued
	n    int    // messages kept; they are numbers next-n+1 to next
	buf  []byte
}

// push queues a message and reports how many old ones had to give way.
func (o *outbox) push(kind uint8, data []byte) (lost int) {
	o.next++
	o.n++
	o.buf = append(o.buf, kind)
	o.buf = binary.LittleEndian.AppendUint16(o.buf, uint16(len(data)))
	o.buf = append(o.buf, data...)
	for o.n > maxKept || len(o.buf) > maxKeptBytes {
		o.pop()
		lost++
	}
	return lost
}

// pop drops the oldest message. Invariant: n > 0.
func (o *outbox) pop() {
	size := 3 + int(binary.LittleEndian.Uint16(o.buf[1:]))
	o.buf = append(o.buf[:0], o.buf[size:]...)
	o.n--
}

// ack drops what the player has processed. A number that was never sent is ignored.
func (o *outbox) ack(number uint32) {
	if number > o.next {
		return
	}
	for o.n > 0 && o.next-uint32(o.n)+1 <= number {
		o.pop()
	}
}

// after calls f for every kept message above a number, in order. data is valid during the call.
func (o *outbox) after(number uint32, f func(number uint32, kind uint8, data []byte)) {
	at := o.next - uint32(o.n)
	for b := o.buf; len(b) > 0; {
		size := int(binary.LittleEndian.Uint16(b[1:]))
		at++
		if at > number {
			f(at, b[0], b[3:3+size])
		}
		b = b[3+size:]
	}
}
