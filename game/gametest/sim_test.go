package gametest

import (
	"slices"
	"testing"

	"github.com/overtime-server/overtime/game"
)

// probe is a match that shows what it was handed and puts rows into all sorts of channels.
type probe struct {
	tick func(*game.Tick)
	counter
}

func (p *probe) Step(t *game.Tick) { p.tick(t) }

func (p *probe) Rows(r *game.Rows) {
	for id, c := range []game.Channel{game.Own(2), game.All, game.Own(1), game.Team(1), game.All, game.Team(2)} {
		r.Put(c, uint32(id+1), 0)[0] = int32(id + 1)
	}
}

func probeSim(t *testing.T, tick func(*game.Tick)) *Sim {
	t.Helper()
	def := counterGame("")
	def.New = func(game.Setup) (game.Match, error) { return &probe{tick: tick}, nil }
	s, err := New(def, game.Setup{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A view shows channel All, the player's team and his own rows, in ascending order of ids, and nothing else.
func TestViewShowsOwnChannelsOnly(t *testing.T) {
	s := probeSim(t, func(*game.Tick) {})
	red := s.Join(game.Player{Team: 1})
	blue := s.Join(game.Player{Team: 2})
	s.Step()
	for player, want := range map[uint32][]uint32{red: {2, 3, 4, 5}, blue: {1, 2, 5, 6}, 99: {2, 5}} {
		var got []uint32
		s.ViewOf(player).Each(0, func(id uint32, row []int32) {
			if row[0] != int32(id) {
				t.Errorf("row %d has the values of row %d", id, row[0])
			}
			got = append(got, id)
		})
		if !slices.Equal(got, want) {
			t.Errorf("player %d sees %v, want %v", player, got, want)
		}
	}
}

// The rules are handed what happened since the last tick, in order, once; at most two samples of a player, the newest.
func TestSimHandsOver(t *testing.T) {
	var kinds []game.EventKind
	var seqs []uint32
	s := probeSim(t, func(t *game.Tick) {
		kinds, seqs = nil, nil
		for _, e := range t.Events {
			kinds = append(kinds, e.Kind)
		}
		for _, in := range t.Inputs(1) {
			seqs = append(seqs, in.Seq)
		}
	})
	p := s.Join(game.Player{})
	s.Drop(p)
	s.Drop(p) // he is away already
	s.Return(p)
	s.Command(p, []byte("x"))
	s.Admin(nil)
	for range 3 {
		s.Input(p, game.Input{})
	}
	s.Step()
	want := []game.EventKind{game.EventJoin, game.EventDrop, game.EventReturn, game.EventCommand, game.EventAdmin}
	if !slices.Equal(kinds, want) || !slices.Equal(seqs, []uint32{2, 3}) {
		t.Errorf("got events %v and samples %v, want %v and [2 3]", kinds, seqs, want)
	}
	s.Step()
	if len(kinds) != 0 || len(seqs) != 0 {
		t.Errorf("events %v and samples %v are handed over twice", kinds, seqs)
	}
}

// Who is kicked is gone in the next tick; the first result counts.
func TestSimKickAndEnd(t *testing.T) {
	s := probeSim(t, func(t *game.Tick) {
		if len(t.Players) > 0 {
			t.Kick(t.Players[0].Number, "why not")
		}
		t.Send(game.All, []byte("hello"))
		t.End([]byte{byte(t.N)})
	})
	s.Join(game.Player{})
	s.Step()
	s.Step()
	if len(s.Players) != 0 || !s.Ended || s.Result[0] != 1 || s.Messages != 2 {
		t.Errorf("players %d, ended %t, result %v, messages %d", len(s.Players), s.Ended, s.Result, s.Messages)
	}
}
