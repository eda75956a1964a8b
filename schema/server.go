package schema

import (
	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/overtime-server/overtime/schema/wire"
)

// ServerWriter builds server messages other than state frames, which netcode/delta builds. The zero value is ready; it is
// used by one goroutine. What a method returns is valid until the next call. After warm-up nothing is allocated.
type ServerWriter struct {
	b   *flatbuffers.Builder
	off []flatbuffers.UOffsetT // tables of the vector under construction
}

// Welcome builds the first message from the server.
func (w *ServerWriter) Welcome(x *Welcome) []byte {
	b := start(&w.b)
	kinds := w.kinds(x.Kinds)
	match, id, name, game := text(b, x.Match), text(b, x.PlayerID), text(b, x.Name), text(b, x.Game)
	resume, hash, node, standby := text(b, x.Resume), text(b, x.MapHash), text(b, x.Node), text(b, x.Standby)
	wire.WelcomeStart(b)
	wire.WelcomeAddMatch(b, match)
	wire.WelcomeAddPlayer(b, x.Player)
	wire.WelcomeAddPlayerId(b, id)
	wire.WelcomeAddName(b, name)
	wire.WelcomeAddTeam(b, x.Team)
	wire.WelcomeAddSpectator(b, x.Spectator)
	wire.WelcomeAddEpoch(b, x.Epoch)
	wire.WelcomeAddTick(b, x.Tick)
	wire.WelcomeAddHz(b, x.Hz)
	wire.WelcomeAddEvery(b, x.Every)
	wire.WelcomeAddGame(b, game)
	wire.WelcomeAddKinds(b, kinds)
	wire.WelcomeAddResume(b, resume)
	wire.WelcomeAddMapHash(b, hash)
	wire.WelcomeAddSeats(b, x.Seats)
	wire.WelcomeAddSample(b, x.Sample)
	wire.WelcomeAddCommand(b, x.Command)
	wire.WelcomeAddMessage(b, x.Message)
	wire.WelcomeAddNode(b, node)
	wire.WelcomeAddStandby(b, standby)
	wire.WelcomeAddWindow(b, x.Window)
	welcome := wire.WelcomeEnd(b)
	wire.ServerMessageStart(b)
	wire.ServerMessageAddWelcome(b, welcome)
	return w.finish()
}

func (w *ServerWriter) kinds(kinds []Kind) flatbuffers.UOffsetT {
	w.off = w.off[:0]
	for _, k := range kinds {
		at := len(w.off)
		for i := range k.Fields {
			w.off = append(w.off, field(w.b, &k.Fields[i]))
		}
		fields := w.b.CreateVectorOfTables(w.off[at:])
		name := text(w.b, k.Name)
		wire.KindStart(w.b)
		wire.KindAddName(w.b, name)
		wire.KindAddFields(w.b, fields)
		w.off = append(w.off[:at], wire.KindEnd(w.b))
	}
	return w.b.CreateVectorOfTables(w.off)
}

func field(b *flatbuffers.Builder, f *Field) flatbuffers.UOffsetT {
	name := text(b, f.Name)
	wire.FieldStart(b)
	wire.FieldAddName(b, name)
	wire.FieldAddBits(b, f.Bits)
	wire.FieldAddFlags(b, flag(f.Signed, flagSigned)|flag(f.Wraps, flagWraps)|flag(f.Linear, flagLinear))
	wire.FieldAddJump(b, f.Jump)
	return wire.FieldEnd(b)
}

// Roster builds the list of everybody; at most MaxRoster entries.
func (w *ServerWriter) Roster(entries []RosterEntry) []byte {
	b := start(&w.b)
	w.off = w.off[:0]
	for i := range entries {
		e := &entries[i]
		name := text(b, e.Name)
		wire.RosterEntryStart(b)
		wire.RosterEntryAddNumber(b, e.Number)
		wire.RosterEntryAddName(b, name)
		wire.RosterEntryAddTeam(b, e.Team)
		wire.RosterEntryAddFlags(b, flag(e.Online, flagOnline)|flag(e.Bot, flagBot)|flag(e.Spectator, flagSpectator))
		w.off = append(w.off, wire.RosterEntryEnd(b))
	}
	vec := b.CreateVectorOfTables(w.off)
	wire.ServerMessageStart(b)
	wire.ServerMessageAddRoster(b, vec)
	return w.finish()
}

// Messages builds a message of reliable messages, ascending by number; at most MaxMessages.
func (w *ServerWriter) Messages(msgs []Message) []byte {
	b := start(&w.b)
	w.off = w.off[:0]
	for i := range msgs {
		m := &msgs[i]
		data := octets(b, m.Data)
		wire.MessageStart(b)
		wire.MessageAddNumber(b, m.Number)
		wire.MessageAddKind(b, m.Kind)
		wire.MessageAddData(b, data)
		w.off = append(w.off, wire.MessageEnd(b))
	}
	vec := b.CreateVectorOfTables(w.off)
	wire.ServerMessageStart(b)
	wire.ServerMessageAddMessages(b, vec)
	return w.finish()
}

// Pong builds the answer to a ping.
func (w *ServerWriter) Pong(p Pong) []byte {
	b := start(&w.b)
	wire.ServerMessageStart(b)
	wire.ServerMessageAddPong(b, wire.CreatePong(b, p.Client, p.Tick, p.FracMicros, p.LatenessMs, p.HeldMicros))
	return w.finish()
}

// Resume builds the message that replaces the client's resume token.
func (w *ServerWriter) Resume(token string) []byte {
	b := start(&w.b)
	s := text(b, token)
	wire.ServerMessageStart(b)
	wire.ServerMessageAddResume(b, s)
	return w.finish()
}

// Move builds the message that sends the client elsewhere.
func (w *ServerWriter) Move(m Move) []byte {
	b := start(&w.b)
	url, token := text(b, m.URL), text(b, m.Token)
	wire.MoveStart(b)
	wire.MoveAddUrl(b, url)
	wire.MoveAddToken(b, token)
	move := wire.MoveEnd(b)
	wire.ServerMessageStart(b)
	wire.ServerMessageAddMove(b, move)
	return w.finish()
}

// Standby builds the message that replaces the standby's address in the welcome; "" says that there is none.
func (w *ServerWriter) Standby(url string) []byte {
	b := start(&w.b)
	u := text(b, url)
	wire.StandbyStart(b)
	wire.StandbyAddUrl(b, u)
	standby := wire.StandbyEnd(b)
	wire.ServerMessageStart(b)
	wire.ServerMessageAddStandby(b, standby)
	return w.finish()
}

// Bye builds the last message before a close frame.
func (w *ServerWriter) Bye(x Bye) []byte {
	b := start(&w.b)
	reason := text(b, x.Reason)
	wire.ByeStart(b)
	wire.ByeAddCode(b, x.Code)
	wire.ByeAddReason(b, reason)
	bye := wire.ByeEnd(b)
	wire.ServerMessageStart(b)
	wire.ServerMessageAddBye(b, bye)
	return w.finish()
}

func (w *ServerWriter) finish() []byte {
	w.b.Finish(wire.ServerMessageEnd(w.b))
	return w.b.FinishedBytes()
}

func flag(on bool, bit byte) byte {
	if on {
		return bit
	}
	return 0
}
