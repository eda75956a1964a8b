// Package delta turns rows of integers into FlatBuffers state frames and back: it knows field tables, never a game.
//
// # Snapshots and prediction
//
// A snapshot is the state of one channel at one state frame: rows in ascending order of id, each with its kind, a value
// per field and, for linear fields, the last displacement. State frames are numbered: the tick divided by the ticks per
// state frame. A displacement is the value's change since the previous state frame; it is 0 for a row born in this frame
// and for a change larger than the field's Jump (if that is not 0). A row is born in a frame if the previous one had no
// row of that id and kind.
//
// For a field that wraps, differences are reduced to -2^(Bits-1) .. 2^(Bits-1)-1, and values are kept in the field's
// range: 0 .. 2^Bits-1, or sign-extended if it is signed (with 32 bits: any int32). All other arithmetic is that of int32,
// products included, and a field that does not wrap may hold any int32, whatever its Bits.
//
// k state frames after a base, a held field is predicted to have its base value, a linear one base + k * displacement
// (reduced to the range if it wraps); the displacement is predicted to stay. A frame codes only what differs from that.
//
// # A frame
//
// Fields of wire.ServerMessage; an absent vector is an empty one.
//
//   - keyframe: there is no base; every row is new and base 0. Otherwise base 0 means the previous state frame (k = 1), and
//     base n, 2 to 255, the n-th state frame before this one (k = n); 1 is not used. A keyframe, and a frame with base 2 or
//     more, codes displacements.
//   - rows: for each row that is mentioned its id and a mask, ascending by id. The id is the gap from the last one (the first
//     from 0, so that only it may be 0) as LEB128. The mask is ceil(n/8) bytes, bit i being bit i%8 of byte i/8. Bit 0: the row is
//     new: it is not in the base, or was born after it (its id was used before); bit 1+f: field f has a residual; where
//     displacements are coded, bit 1+F+l: the l-th linear field's displacement has a residual. n is 1+F, or 1+F+L where
//     displacements are coded, with F the number of fields of the row's kind and L of its linear ones; n is at most 49. Bits
//     from n on are 0. If all bits are 0, the row of the base is gone. A row that differs from its prediction in no value
//     and no coded displacement is not mentioned.
//   - small: for each row mentioned: its kind if it is new, then the residuals that the mask announces, in its order. A
//     new row's values and displacements are predicted to be all zeros. A residual is the difference from the prediction,
//     reduced for fields that wrap (a displacement's too). It is the int8 itself from -126 to 127; -128 says that it is the
//     next of wide, and -127 that it is the next two, its lower 16 bits first. Every vector is used up exactly.
//   - where displacements are not coded (k = 1), the receiver derives them from the two values by the rule above, Jump
//     included; those of new rows are 0. Where they are coded, they are taken as they come.
//   - head: low 16 bits of the tick xor those of the view hash; tick and hash: all 32 bits, in keyframes and once a second
//     (tick is then never 0; a hash of 0 counts too).
//
// A row that is not mentioned still moves: the receiver applies the prediction to it.
//
// A delta's tick is that of the receiver's state of its channel plus k state frames. Frames arrive in order, so nothing more needs
// to be said; head, and the tick where it is there, tell a server that lost count.
//
// # Channels
//
// All frames of one tick arrive in one write, channel All last; All has a frame every state frame, also when nothing
// changed, and is the clock. A receiver that is slow gets fewer frames, with bases further back, but of every channel or
// of none in a tick. Any other channel's frame is left out when nothing in it differs from its prediction, displacements
// over more than one frame included. When an All frame arrives, the receiver advances every other channel that it has, and
// that got no frame of its own for this tick, by its prediction over the same number of state frames. A channel begins
// with a keyframe. A keyframe of All drops every other channel that did not get a keyframe in the same tick, and so does the
// first frame of All after a resume, whatever it is. An id is unique within its channel only.
//
// After a frame that has no state to go on from, is malformed or gives another tick or view hash, the state stays as it was
// before that frame, and the channel takes nothing but a keyframe; if it was a frame of All, every channel does. A channel other than All
// that waits so is not advanced.
//
// # View hash
//
// 32 bits per channel: the sum modulo 2^32 over its rows of
//
//	h = mix(id*0x9e3779b1 + kind)
//	for each value, then each displacement of a linear field: h = (h ^ it) * 0x7feb352d; h ^= h>>15
//	h = mix(h)
//	mix(h) = { h ^= h>>16; h *= 0x7feb352d; h ^= h>>15; h *= 0x846ca68b; h ^= h>>16 }
//
// all in uint32 (the mix is the "lowbias32" of C. Wellons, "Prospecting for Hash Functions", 2018). An empty channel has
// hash 0. It is computed from the game's rows on one side and from the decoded ones on the other, so it checks the codec
// too.
//
// It is the hash of the rows that this receiver has. A slow one may be sent some rows as they are and have the others as he predicts them (Reduced), by
// frames with a base of 2 or more; then it is not the match's hash, and equals no other receiver's. After a frame with base 0, a keyframe
// included, it is that of all rows.
//
// testdata/frames.json has frames with the states that they lead to, for decoders in any language.
package delta
