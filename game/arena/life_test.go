package arena

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/overtime-server/overtime/game"
)

func TestPickups(t *testing.T) {
	s := newStage(t, "", 0)
	b := s.put(1, 8, 1)
	s.Step()
	if s.m.pickups[0].back != 0 {
		t.Fatal("health is taken by one who needs none")
	}
	b.health = 30
	s.Step()
	if b.health != 30+giveHealth || s.m.pickups[0].back != s.Tick+s.m.pace.pickup {
		t.Fatalf("health %d, back at %d", b.health, s.m.pickups[0].back)
	}
	s.Step()
	if b.health != 30+giveHealth {
		t.Fatal("it is given twice")
	}
	for range s.m.pace.pickup {
		s.Step()
	}
	if b.health != MaxHealth {
		t.Errorf("health is %d after the pickup came back, want the maximum", b.health)
	}
	s.put(1, 8, 3).ammo = MaxAmmo - 1
	s.Step()
	if b.ammo != MaxAmmo {
		t.Errorf("%d rockets, want %d", b.ammo, MaxAmmo)
	}
}

// A body row goes with its player's life and comes back with the same id; one who is away stays dead until he returns.
func TestDeathAndReturn(t *testing.T) {
	s := newStage(t, "", 0, 0)
	s.put(1, 1, 1)
	b := s.put(2, 4, 1)
	id := b.row
	there := func() bool {
		found := false
		s.ViewOf(2).Each(KindBody, func(row uint32, _ []int32) { found = found || row == id })
		return found
	}
	b.health = 1
	s.press(1, ButtonRifle, 1)
	if there() || b.health != 0 || b.respawn != s.Tick+s.m.pace.respawn {
		t.Fatalf("row there: %t, health %d, respawn %d", there(), b.health, b.respawn)
	}
	s.Drop(2)
	for range 2 * s.m.pace.respawn {
		s.Step()
	}
	if there() {
		t.Fatal("one who is away comes back to life")
	}
	s.Return(2)
	s.Step()
	if b = s.m.find(2); !there() || b.health != MaxHealth || b.respawn != 0 || b.vx != 0 || b.ammo != startAmmo {
		t.Errorf("row there: %t, state %+v", there(), *b)
	}
}

// Players of an earlier round are in the new one without having joined again; spectators never are.
func TestSeatsFollowPlayers(t *testing.T) {
	s := newStage(t, "", 0, 0, 0)
	s.Join(game.Player{Spectator: true})
	s.Leave(2)
	s.Step()
	if len(s.m.bodies) != 2 || s.m.find(2) != nil || s.m.find(3) == nil {
		t.Errorf("%d bodies after one of three left and a spectator came", len(s.m.bodies))
	}
	next := sim(t, s.Setup)
	next.Players = s.Players
	next.Step()
	if m := next.Match.(*match); len(m.bodies) != 2 || m.bodies[0].health != MaxHealth {
		t.Errorf("%d bodies in the next round", len(m.bodies))
	}
}

func TestEndByScore(t *testing.T) {
	s := newStage(t, `{"score_limit":2}`, 0, 0)
	s.m.find(1).score = 1
	s.put(1, 1, 1)
	s.put(2, 4, 1).health = 1
	s.press(1, ButtonRifle, 1)
	var r Result
	if err := json.Unmarshal(s.Result, &r); err != nil {
		t.Fatal(err)
	}
	if r.Mode != "ffa" || r.Reason != "score" || r.Winner == nil || r.Winner.Player != 1 || r.Winner.Name != "p" ||
		len(r.Scores) != 2 || r.Scores[0] != (Line{Player: 1, Name: "p", Score: 2}) || r.Scores[1].Deaths != 1 {
		t.Errorf("result %s", s.Result)
	}
	saved := s.m.Save(nil)
	s.press(1, ButtonRifle, 10)
	if string(saved) != string(s.m.Save(nil)) {
		t.Error("the world goes on after the end")
	}
	if s.m.winner != 1 {
		t.Errorf("the match row names %d as winner", s.m.winner)
	}
}

func TestEndByTime(t *testing.T) {
	for _, c := range []struct {
		settings string
		red      int32
		winner   bool
	}{
		{`{"minutes":1}`, 0, false},
		{`{"minutes":1,"mode":"teams"}`, 0, false},
		{`{"minutes":1,"mode":"teams"}`, 5, true},
	} {
		s := newStage(t, c.settings, 1, 2)
		s.m.teams[0] = c.red
		for !s.Ended && s.Tick < 3000 {
			s.Step()
		}
		var r Result
		if err := json.Unmarshal(s.Result, &r); err != nil {
			t.Fatalf("%s: result %q: %v", c.settings, s.Result, err)
		}
		if s.Tick != 1801 || r.Reason != "time" || (r.Winner != nil) != c.winner || c.winner && r.Winner.Team != 1 {
			t.Errorf("%s: tick %d, result %s", c.settings, s.Tick, s.Result)
		}
	}
}

func TestScores(t *testing.T) {
	s := newStage(t, `{"mode":"teams"}`, 1, 2, 2)
	s.m.teams = [2]int32{1, 6}
	s.m.find(1).score, s.m.find(2).score, s.m.find(3).score = 1, 2, 4
	got := s.Match.(game.Scorer).Scores(nil)
	want := []game.Score{{Team: 2, Points: 6}, {Team: 1, Points: 1}, {Player: 3, Team: 2, Points: 4}, {Player: 2, Team: 2, Points: 2}, {Player: 1, Team: 1, Points: 1}}
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d is %v, want %v", i, got[i], want[i])
		}
	}
}

func TestSettings(t *testing.T) {
	s, err := parseSettings(nil)
	if err != nil || s.Mode != "ffa" || s.Minutes != 5 || *s.ScoreLimit != 30 {
		t.Errorf("defaults are %+v, %v", s, err)
	}
	for _, bad := range []string{`{`, `{"fog":true}`, `{"mode":"ffa","fog":true}`, `{"mode":"duel"}`, `{"minutes":61}`, `{"minutes":-1}`, `{"score_limit":1001}`, `{"limit":5}`, `[]`, `{} x`} {
		if _, err := Game().New(game.Setup{Hz: 30, Seats: 2, Settings: []byte(bad)}); !errors.Is(err, game.ErrSettings) {
			t.Errorf("settings %s: got %v, want ErrSettings", bad, err)
		}
	}
}
