// Package journal writes down everything that a match saw (seed, events, inputs, a hash of the state after every tick, and now
// and then a checkpoint of the whole state) and reads it back. One format serves panic isolation, recordings and replay;
// later a standby and migration.
//
// # Order
//
// A journal is a [Header], then, if the match did not begin here, a checkpoint of the tick it goes on from, then a [Record]
// for every tick without a gap. A checkpoint holds the state after the tick of the record before it. The last block says why the
// match ended. [Writer], [Reader] and [Log] all refuse anything else.
//
// # Format, version 1
//
// Eight bytes, "OVTJRNL" and the version, then blocks. All integers are little-endian. A block is a head of 17 bytes
//
//	length   uint32  bytes of payload
//	kind     uint8   see Kind
//	tick     uint32  0 in the header block
//	payload  uint32  CRC-32C of the payload
//	head     uint32  CRC-32C of the 13 bytes before
//
// and the payload. The head has a checksum of its own so that a damaged length is told from a file that just stops, and so
// that damage in a payload can be named by its tick. Any change of up to 32 neighbouring bits is found for certain.
// Payloads are made of varints (LEB128, signed ones zigzag), see encode.go.
//
// A process that dies leaves a part of a block at the end: a reader gets every whole block and then a [TornError].
//
// # Who uses what
//
// The loop of a match owns a [Log] and, if the match is recorded, a [Writer] over a [Spool], so that a disk never blocks a
// tick. Replay uses a [Reader]. Files are untrusted: every length is checked against the limits in limits.go and against the
// bytes that are really there, and memory never grows beyond twice what has been read plus 2 MiB.
package journal
