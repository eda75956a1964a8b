package schema

import (
	"errors"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/overtime-server/overtime/schema/wire"
)

// ClientWriter builds client messages. The zero value is ready; it is used by one goroutine. What a method returns is
// valid until the next call. After warm-up nothing is allocated.
type ClientWriter struct{ b *flatbuffers.Builder }

// Hello builds the first message of a connection.
func (w *ClientWriter) Hello(h *Hello) []byte {
	b := start(&w.b)
	token, resume := text(b, h.Token), text(b, h.Resume)
	wire.HelloStart(b)
	wire.HelloAddVersion(b, h.Version)
	wire.HelloAddToken(b, token)
	wire.HelloAddResume(b, resume)
	wire.HelloAddEpoch(b, h.Epoch)
	wire.HelloAddTick(b, h.Tick)
	wire.HelloAddViewHash(b, h.ViewHash)
	wire.HelloAddMessage(b, h.Message)
	hello := wire.HelloEnd(b)
	wire.ClientMessageStart(b)
	wire.ClientMessageAddHello(b, hello)
	return w.finish()
}

// Samples builds a message of at most MaxSamples samples, ascending by Seq, with the last server tick applied and the
// last reliable message processed. Without samples it is an acknowledgement only.
func (w *ClientWriter) Samples(s []Sample, ackTick, ackMessage uint32) []byte {
	b := start(&w.b)
	var vec flatbuffers.UOffsetT
	if len(s) > 0 {
		wire.ClientMessageStartSamplesVector(b, len(s))
		for i := len(s) - 1; i >= 0; i-- {
			x := &s[i]
			wire.CreateSample(b, x.Seq, x.Tick, x.Shown, x.Axes[0], x.Axes[1], x.Axes[2], x.Axes[3], x.Buttons, x.Frac, 0)
		}
		vec = b.EndVector(len(s))
	}
	wire.ClientMessageStart(b)
	wire.ClientMessageAddSamples(b, vec)
	wire.ClientMessageAddAckTick(b, ackTick)
	wire.ClientMessageAddAckMessage(b, ackMessage)
	return w.finish()
}

// Command builds a message with one command; number counts the player's commands from 1, without gaps.
func (w *ClientWriter) Command(number uint32, data []byte) []byte {
	b := start(&w.b)
	vec := octets(b, data)
	wire.ClientMessageStart(b)
	wire.ClientMessageAddCommandNumber(b, number)
	wire.ClientMessageAddCommand(b, vec)
	return w.finish()
}

// Ping builds a clock ping; clock is the client's clock in ms, never 0.
func (w *ClientWriter) Ping(clock uint32) []byte {
	b := start(&w.b)
	wire.ClientMessageStart(b)
	wire.ClientMessageAddPing(b, clock)
	return w.finish()
}

// Keyframe builds a request for keyframes of all channels.
func (w *ClientWriter) Keyframe() []byte {
	b := start(&w.b)
	wire.ClientMessageStart(b)
	wire.ClientMessageAddKeyframe(b, true)
	return w.finish()
}

// Leave builds the message that gives up the seat.
func (w *ClientWriter) Leave() []byte {
	b := start(&w.b)
	wire.ClientMessageStart(b)
	wire.ClientMessageAddLeave(b, true)
	return w.finish()
}

func (w *ClientWriter) finish() []byte {
	w.b.Finish(wire.ClientMessageEnd(w.b))
	return w.b.FinishedBytes()
}

// ErrOrder says that the samples of a message are not strictly ascending from 1.
var ErrOrder = errors.New("samples out of order")

// AppendSamples appends the samples of a verified message to dst. It is the one place that checks their order: ErrOrder
// says that the Seqs are not strictly ascending from 1, which makes the message malformed. Whether they follow earlier
// messages and lie near the match's tick is for the match to judge.
func AppendSamples(dst []Sample, m *wire.ClientMessage) ([]Sample, error) {
	var w wire.Sample
	last := uint32(0)
	for i := range m.SamplesLength() {
		m.Samples(&w, i)
		s := Sample{
			Seq: w.Seq(), Tick: w.Tick(), Shown: w.Shown(),
			Axes:    [4]int16{w.Axis0(), w.Axis1(), w.Axis2(), w.Axis3()},
			Buttons: w.Buttons(), Frac: w.Frac(),
		}
		if s.Seq <= last {
			return dst, ErrOrder
		}
		last = s.Seq
		dst = append(dst, s)
	}
	return dst, nil
}

// ReadHello copies the hello out of a verified message; ok is false if it has none.
func ReadHello(m *wire.ClientMessage) (h Hello, ok bool) {
	var w wire.Hello
	if m.Hello(&w) == nil {
		return Hello{}, false
	}
	return Hello{
		Version: w.Version(), Token: string(w.Token()), Resume: string(w.Resume()),
		Epoch: w.Epoch(), Tick: w.Tick(), ViewHash: w.ViewHash(), Message: w.Message(),
	}, true
}

// start makes or empties a builder.
func start(b **flatbuffers.Builder) *flatbuffers.Builder {
	if *b == nil {
		*b = flatbuffers.NewBuilder(512)
	}
	(*b).Reset()
	return *b
}

// text adds a string; an empty one is left out.
func text(b *flatbuffers.Builder, s string) flatbuffers.UOffsetT {
	if s == "" {
		return 0
	}
	return b.CreateString(s)
}

// octets adds a vector of bytes; an empty one is left out.
func octets(b *flatbuffers.Builder, s []byte) flatbuffers.UOffsetT {
	if len(s) == 0 {
		return 0
	}
	return b.CreateByteVector(s)
}
