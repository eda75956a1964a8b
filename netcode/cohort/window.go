package cohort

// WindowSize is how many bytes of earlier messages a Window always refers back to, and gives to who joins.
const WindowSize = 4096

// Reach is how many bytes of earlier messages a message may refer back to, at most: what a member must keep.
const Reach = 2 * WindowSize

// Window deflates the messages of one cohort: clients of class Cohort that are sent the same bytes. A message refers to
// what it has in common with the last WindowSize to Reach bytes of the earlier ones, and every member is sent the same frame. It has
// one owner; any number of windows share the engines of one Compressor, and those that are used keep one of its streams.
//
// The rules of RFC 7692 that make it work: a client's inflater sees the compressed messages of its connection only, so
// plain ones may go in between at any time. It must see every message for which Append said ok, in order: whoever is not sent one of
// them is no member any more, and gets plain frames until he is primed (or until Reset, which makes members of everybody).
// Nothing compressed may be sent to a member beside the cohort's messages and his Prime.
//
// Measured with frames of the arena under bot play at 30 Hz (bytes a frame, CPU per frame on a 2.6 GHz EPYC) and with
// recorded Quake 3 matches (mean of six):
//
//	                         16 players     64 players     200 players    Quake 3        memory
//	plain                    67 B           140 B          337 B          136 B
//	each by itself           59 B   7.9 us  124 B   11 us  273 B   16 us  123 B   11 us
//	level 7, 1 KiB back      35 B   8.9 us   99 B   13 us  261 B   18 us   87 B   11 us  1.0 MiB an engine, 2 KiB a match
//	level 7, 2 KiB back      34 B   9.8 us   95 B   14 us  255 B   19 us   85 B   12 us  1.0 MiB an engine, 4 KiB a match
//	level 7, 4 KiB back      33 B    12 us   91 B   16 us  250 B   23 us   83 B   15 us  1.0 MiB an engine, 8 KiB a match
//	level 7, 8 KiB back      32 B    17 us   88 B   21 us  243 B   27 us   81 B   20 us  1.0 MiB an engine, 16 KiB a match
//	level 7, own stream      30 B   3.6 us   84 B  7.8 us  233 B   15 us   79 B  6.6 us  1.0 MiB a match, 32 KiB back
//
// Level 8 saved half a byte for twice the time and level 9 took more bytes; levels 1 to 6 find nothing in messages of this
// size. What an engine shared by matches costs more is to forget the match before, 640 KiB of tables, and to read this one's last bytes again. A
// stream of a match's own does so only when somebody joined and when it has come to Reach, every 70th frame of 16 players. Prime with a keyframe takes
// 2.1 KB and 64 us at 16 players, 3.7 KB and 86 us at 64, of which the window is about 1.5 KB.
type Window struct {
	c      *Compressor
	last   []byte  // plaintext of the messages reported ok, up to twice WindowSize of it
	used   int     // messages reported ok since the last Prime or Reset, up to streamAfter
	stream *engine // nil: an engine is borrowed for every message
	span   int     // bytes that the stream may refer to; 0: it has to begin anew, with the tail
}

// NewWindow returns an empty window that uses the engines of c. It takes up to 8 KiB, as it is used, and then, while c has one left, a
// stream of 1 MiB. Whoever is done with it calls Close.
func (c *Compressor) NewWindow() *Window { return &Window{c: c} }

// Append appends the payload of the next message of the cohort, without the tail that the receiver adds again, to dst. ok is
// false, and dst is returned as it was, if sending msg plain takes no more bytes; the window is then unchanged. If ok is true,
// the payload must be sent to every member. It does not allocate once dst has room, and waits for some microseconds if all
// engines are busy. dst and msg must not overlap.
func (w *Window) Append(dst, msg []byte) (out []byte, ok bool) {
	if w.stream == nil && w.used >= streamAfter {
		w.stream = w.c.lend()
	}
	if w.stream == nil {
		out, ok = w.c.append(dst, w.tail(), msg, nil)
	} else {
		out, ok = w.flow(dst, msg)
	}
	if !ok || len(out)-len(dst) >= len(msg) {
		w.span = 0 // the stream has what nobody is sent
		return out[:len(dst)], false
	}
	w.push(msg)
	w.used = min(w.used+1, streamAfter)
	return out, true
}

// flow appends the payload of the stream's next message.
func (w *Window) flow(dst, msg []byte) (out []byte, ok bool) {
	if w.span == 0 || w.span > Reach {
		w.stream.forget(w.tail())
		w.span = len(w.tail())
	}
	w.span += len(msg)
	return w.stream.message(dst, msg, nil)
}

// Prime appends the payload of a compressed message that makes its receiver a member, whatever he was sent before: it
// refers to nothing, and its plaintext is msg followed by the last bytes of the window. msg is a whole FlatBuffers message,
// whose readers do not look at what follows it: best the first state frame that the newcomer needs anyway. If there is
// nothing to say, msg is empty, and an empty server message takes its place. The window is unchanged, so one Prime serves all
// who join between two Appends. It allocates no more than Append, and must be sent compressed even where it is longer than
// msg. dst must overlap neither msg nor what Append was given.
func (w *Window) Prime(dst, msg []byte) []byte {
	if len(msg) == 0 {
		msg = nothing
	}
	w.used, w.span = 0, 0                         // the newcomer knows no more than the tail
	out, _ := w.c.append(dst, nil, msg, w.tail()) // the engine writes to memory, which does not fail
	return out
}

// Reset empties the window: the next message refers to nothing, and everybody who can inflate may be a member from then on.
func (w *Window) Reset() { w.last, w.used, w.span = w.last[:0], 0, 0 }

// Close empties the window and gives its stream back. It may be used again.
func (w *Window) Close() {
	w.Reset()
	if w.stream != nil {
		w.c.giveBack(w.stream)
		w.stream = nil
	}
}

// nothing is a server message without any field: the offset of its table, a vtable of no entries, the table.
var nothing = []byte{8, 0, 0, 0, 4, 0, 4, 0, 4, 0, 0, 0}

// tail returns the bytes that the next message may refer to.
func (w *Window) tail() []byte { return w.last[max(0, len(w.last)-WindowSize):] }

func (w *Window) push(msg []byte) {
	msg = msg[max(0, len(msg)-WindowSize):]
	if len(w.last)+len(msg) > 2*WindowSize {
		w.last = w.last[:copy(w.last, w.tail())]
	}
	if n := len(w.last) + len(msg); n > cap(w.last) { // where nothing happens, few messages are worth compressing
		w.last = append(make([]byte, 0, min(2*n, 2*WindowSize)), w.last...)
	}
	w.last = append(w.last, msg...)
}
