package schema

import (
	"bytes"

	"github.com/overtime-server/overtime/schema/wire"
)

// The functions of this file copy parts of a verified server message out of its buffer.

// IsFrame reports whether the message is a state frame.
func IsFrame(m *wire.ServerMessage) bool {
	var h wire.Head
	return m.Head(&h) != nil
}

// ReadWelcome copies the welcome; ok is false if there is none.
func ReadWelcome(m *wire.ServerMessage) (x Welcome, ok bool) {
	var w wire.Welcome
	if m.Welcome(&w) == nil {
		return Welcome{}, false
	}
	return Welcome{
		Match: string(w.Match()), Player: w.Player(), PlayerID: string(w.PlayerId()), Name: string(w.Name()),
		Team: w.Team(), Spectator: w.Spectator(), Epoch: w.Epoch(), Tick: w.Tick(), Hz: w.Hz(), Every: w.Every(),
		Game: string(w.Game()), Kinds: readKinds(&w), Resume: string(w.Resume()), MapHash: string(w.MapHash()),
		Seats: w.Seats(), Sample: w.Sample(), Command: w.Command(), Message: w.Message(),
		Node: string(w.Node()), Standby: string(w.Standby()), Window: w.Window(),
	}, true
}

func readKinds(w *wire.Welcome) []Kind {
	kinds := make([]Kind, w.KindsLength())
	var k wire.Kind
	var f wire.Field
	for i := range kinds {
		w.Kinds(&k, i)
		kinds[i] = Kind{Name: string(k.Name()), Fields: make([]Field, k.FieldsLength())}
		for j := range kinds[i].Fields {
			k.Fields(&f, j)
			flags := f.Flags()
			kinds[i].Fields[j] = Field{
				Name: string(f.Name()), Bits: f.Bits(), Jump: f.Jump(),
				Signed: flags&flagSigned != 0, Wraps: flags&flagWraps != 0, Linear: flags&flagLinear != 0,
			}
		}
	}
	return kinds
}

// AppendRoster appends the roster's entries to dst; a message without a roster appends none.
func AppendRoster(dst []RosterEntry, m *wire.ServerMessage) []RosterEntry {
	var e wire.RosterEntry
	for i := range m.RosterLength() {
		m.Roster(&e, i)
		flags := e.Flags()
		dst = append(dst, RosterEntry{
			Number: e.Number(), Name: string(e.Name()), Team: e.Team(),
			Online: flags&flagOnline != 0, Bot: flags&flagBot != 0, Spectator: flags&flagSpectator != 0,
		})
	}
	return dst
}

// AppendMessages appends the reliable messages to dst; their data is copied.
func AppendMessages(dst []Message, m *wire.ServerMessage) []Message {
	var x wire.Message
	for i := range m.MessagesLength() {
		m.Messages(&x, i)
		dst = append(dst, Message{Number: x.Number(), Kind: x.Kind(), Data: bytes.Clone(x.DataBytes())})
	}
	return dst
}

// ReadPong copies the answer to a ping; ok is false if there is none.
func ReadPong(m *wire.ServerMessage) (p Pong, ok bool) {
	var w wire.Pong
	if m.Pong(&w) == nil {
		return Pong{}, false
	}
	return Pong{Client: w.Client(), Tick: w.Tick(), FracMicros: w.FracUs(), LatenessMs: w.LatenessMs(), HeldMicros: w.HeldUs()}, true
}

// ReadResume copies the fresh resume token; ok is false if there is none.
func ReadResume(m *wire.ServerMessage) (token string, ok bool) {
	b := m.Resume()
	return string(b), len(b) > 0
}

// ReadMove copies where to go; ok is false if the client may stay.
func ReadMove(m *wire.ServerMessage) (x Move, ok bool) {
	var w wire.Move
	if m.Move(&w) == nil {
		return Move{}, false
	}
	return Move{URL: string(w.Url()), Token: string(w.Token())}, true
}

// ReadStandby copies the new address of the standby, which may be empty; ok is false if there is no news.
func ReadStandby(m *wire.ServerMessage) (url string, ok bool) {
	var w wire.Standby
	if m.Standby(&w) == nil {
		return "", false
	}
	return string(w.Url()), true
}

// ReadBye copies the farewell; ok is false if there is none.
func ReadBye(m *wire.ServerMessage) (x Bye, ok bool) {
	var w wire.Bye
	if m.Bye(&w) == nil {
		return Bye{}, false
	}
	return Bye{Code: w.Code(), Reason: string(w.Reason())}, true
}
