package replica

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/overtime-server/overtime/game/journal"
)

// Kind says what a [Message] is; it is the message's first byte.
type Kind uint8

// Kinds of messages. Begin, Record and Diff go from the owner to a receiver, Ack and Need the other way.
const (
	KindBegin  Kind = iota + 1 // the owner of an epoch introduces itself: what it holds, and how the match began
	KindRecord                 // one tick as a journal record
	KindDiff                   // one tick, or several, as a state difference
	KindAck                    // what the receiver holds, proven
	KindNeed                   // what the receiver wants
	lastKind   = KindNeed
)

// String returns the name that errors use.
func (k Kind) String() string {
	if k < 1 || k > lastKind {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return [...]string{"begin", "record", "diff", "ack", "need"}[k-1]
}

// Want says what a KindNeed asks for.
type Want uint8

// What a receiver may ask for.
const (
	WantSnapshot Want = iota + 1 // a whole state: it holds none, or one that is not the owner's; Tick is that of a snapshot that was no use
	WantDiff                     // state differences: at Tick its hash was Hash, another than the owner's. Implies a snapshot
	WantFrom                     // the messages after Tick, of which it has the state with hash Hash: some are missing
	WantNothing                  // it cannot carry this match; Body says why
	WantUpgrade                  // state differences: its rules are of another version, which loads states and cannot replay. Implies a snapshot
	lastWant     = WantUpgrade
)

// Limits of messages in bytes.
const (
	MaxMatch  = 64      // match id
	MaxConfig = 4 << 10 // Begin.Config
	MaxReason = 256     // reason of WantNothing
	maxHeader = journal.MaxSettings + 4*journal.MaxString
	maxBody   = journal.MaxState + 1<<20 // of a record or difference; links refuse more than they like long before
)

// Message is one parsed message. Its slices lie in the bytes that it was parsed from. Fields that a kind does not name are
// zero and not on the wire.
type Message struct {
	Kind  Kind
	Match []byte // id, 1 to MaxMatch bytes
	Epoch uint32 // of the sender

	Since  uint32 // Begin: tenure of the owner. Ack: tenure of the log that the receiver holds
	From   uint32 // Record, Diff: tick before, to which it applies
	Tick   uint32 // Begin: last tick of the owner. Record, Diff: tick that it leads to. Ack: tick held. Need: see Want
	Before uint64 // Record, Diff: state hash after From
	Hash   uint64 // state hash after Tick
	Diff   bool   // Begin: ticks come as state differences
	Want   Want   // Need
	Body   []byte // Record: encoded record. Diff: difference. Need: reason, with WantNothing
	Header []byte // Begin: journal.AppendHeader
	Config []byte // Begin: the list of members as package guard encodes it; opaque here
}

// ErrMessage is wrapped by errors about bytes that are no message.
var ErrMessage = errors.New("malformed replica message")

// Append appends the message's encoding to b.
func (m *Message) Append(b []byte) []byte {
	b = append(b, byte(m.Kind), byte(len(m.Match)))
	b = append(b, m.Match...)
	le := binary.LittleEndian
	b = le.AppendUint32(b, m.Epoch)
	switch m.Kind {
	case KindBegin:
		b = le.AppendUint32(b, m.Since)
		b = append(b, boolByte(m.Diff))
		b = le.AppendUint64(le.AppendUint32(b, m.Tick), m.Hash)
		b = appendBytes(b, m.Header)
		b = appendBytes(b, m.Config)
	case KindRecord, KindDiff:
		b = le.AppendUint32(le.AppendUint32(b, m.From), m.Tick)
		b = le.AppendUint64(le.AppendUint64(b, m.Before), m.Hash)
		b = append(b, m.Body...)
	case KindAck:
		b = le.AppendUint32(le.AppendUint32(b, m.Since), m.Tick)
		b = le.AppendUint64(b, m.Hash)
	case KindNeed:
		b = append(b, byte(m.Want))
		b = le.AppendUint64(le.AppendUint32(b, m.Tick), m.Hash)
		b = append(b, m.Body...)
	}
	return b
}

// Parse reads one message, which is all of b. Nothing is copied. Bytes come from other nodes: anything that is not what
// Append makes is an error that wraps [ErrMessage].
func Parse(b []byte) (Message, error) {
	d := decoder{b: b}
	m := Message{Kind: Kind(d.u8())}
	m.Match = d.take(int(d.u8()))
	m.Epoch = d.u32()
	if len(m.Match) == 0 || len(m.Match) > MaxMatch {
		d.bad = true
	}
	switch m.Kind {
	case KindBegin:
		m.Since, m.Diff = d.u32(), d.bool()
		m.Tick, m.Hash = d.u32(), d.u64()
		m.Header, m.Config = d.bytes(maxHeader), d.bytes(MaxConfig)
		d.end()
	case KindRecord, KindDiff:
		m.From, m.Tick = d.u32(), d.u32()
		m.Before, m.Hash = d.u64(), d.u64()
		m.Body = d.rest(maxBody)
		if m.Tick <= m.From || m.Kind == KindRecord && m.Tick != m.From+1 {
			d.bad = true
		}
	case KindAck:
		m.Since, m.Tick, m.Hash = d.u32(), d.u32(), d.u64()
		d.end()
	case KindNeed:
		m.Want, m.Tick, m.Hash = Want(d.u8()), d.u32(), d.u64()
		m.Body = d.rest(MaxReason)
		if m.Want < 1 || m.Want > lastWant || m.Want != WantNothing && len(m.Body) > 0 {
			d.bad = true
		}
	default:
		d.bad = true
	}
	if d.bad {
		return Message{}, fmt.Errorf("%w: %s of %d bytes", ErrMessage, m.Kind, len(b))
	}
	return m, nil
}
