package tag

import (
	"testing"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/gametest"
)

func TestContract(t *testing.T) { gametest.Check(t, Game(), gametest.Options{}) }

// Bots pass it on again and again, and every point is for a touch.
func TestItIsPassedOn(t *testing.T) {
	s, err := gametest.New(Game(), game.Setup{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	s.Bots(6, 50)
	holders, last := 0, int32(0)
	for range 3000 {
		s.Run(1)
		if it := s.Match.(*match).It; it != last {
			holders, last = holders+1, it
		}
	}
	points := 0
	for _, p := range s.Match.(*match).Players {
		points += int(p.Points)
	}
	if points < 5 || holders != points+1 {
		t.Fatalf("%d points and %d holders in 100 s, want at least 5 points and one holder more", points, holders)
	}
}

// When the one who is it leaves, another player becomes it.
func TestItLeaves(t *testing.T) {
	s, err := gametest.New(Game(), game.Setup{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	a, b := s.Join(game.Player{}), s.Join(game.Player{})
	s.Step()
	if it := s.Match.(*match).It; it != int32(a) {
		t.Fatalf("it is %d, want the first player %d", it, a)
	}
	s.Leave(a)
	s.Step()
	if it := s.Match.(*match).It; it != int32(b) {
		t.Fatalf("it is %d after %d left, want %d", it, a, b)
	}
}
