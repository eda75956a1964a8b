package arena

import (
	"testing"

	"github.com/overtime-server/overtime/game"
)

// Two bots on a map for 16 who start out of sight of each other meet again and again: fog keeps nobody apart.
func TestBotsMeetInFog(t *testing.T) {
	for _, skill := range []int{0, 50, 100} {
		s := sim(t, game.Setup{Seed: uint64(skill), Settings: foggy})
		s.Bots(2, skill)
		st := watch(t, s, 3*60*30)
		if len(st.kills) < 6 || st.moving*10 < st.alive*8 {
			t.Errorf("skill %d: %d kills in 3 minutes, moving %d of %d ticks", skill, len(st.kills), st.moving, st.alive)
		}
	}
}

// inFogWithBot is a match in fog on the stage in which player 1 has a brain; it is at its first decision.
func inFogWithBot(t *testing.T) (stage, *brain) {
	s := inFog(t)
	b := newBrain(game.BrainSetup{Seed: 1, Hz: 30, Static: stageMap, Skill: 50}).(*brain)
	return s, b
}

// think lets the brain look and decide now.
func (s stage) think(b *brain) {
	b.wait = 0
	b.Think(s.ViewOf(1), 1)
}

// An enemy who goes behind a wall is looked for where he was seen last, and no longer once that place is in view.
func TestBrainRemembersWhereHeWas(t *testing.T) {
	s, b := inFogWithBot(t)
	s.put(1, 1, 1)
	s.put(2, 6, 1)
	s.Step()
	s.think(b)
	if !b.fog || b.target != s.m.find(2).row || b.lost.n != 0 {
		t.Fatalf("fog %t, target %d, %d in mind", b.fog, b.target, b.lost.n)
	}
	s.put(1, 1, 2)
	s.put(2, 7, 2)
	s.Step()
	s.think(b)
	for range s.m.pace.sight {
		s.Step()
	}
	s.think(b)
	if b.lost.n != 1 || b.lost.list[0].row != s.m.find(2).row || b.lost.list[0].x != 7*Tile+Tile/2 {
		t.Fatalf("in mind: %+v", b.lost.list[:b.lost.n])
	}
	if b.head < 0 || b.beat.X != 0 {
		t.Errorf("it does not go there: heading %d, patrolling to %+v", b.head, b.beat)
	}
	s.put(1, 8, 3) // from where it sees that he has gone on
	s.put(2, 1, 1)
	for range s.m.pace.sight + 1 {
		s.Step()
	}
	s.think(b)
	if b.lost.n != 0 {
		t.Errorf("still in mind: %+v", b.lost.list[:b.lost.n])
	}
	if b.beat.X == 0 {
		t.Error("with nobody in mind it does not patrol")
	}
}

// What is in mind is bounded, and fades.
func TestBrainForgets(t *testing.T) {
	s, b := inFogWithBot(t)
	s.think(b)
	for i := range uint32(20) {
		b.lost.add(ghost{row: 1000 + i, x: 8*Tile + 128, y: 2*Tile + 128, tick: s.Tick})
	}
	if b.lost.n != len(b.lost.list) || b.lost.list[0].row != 1012 {
		t.Fatalf("%d in mind, the oldest is %d", b.lost.n, b.lost.list[0].row)
	}
	for range 10*30 + 2 {
		s.Step()
	}
	s.think(b)
	if b.lost.n != 0 {
		t.Errorf("%d in mind after ten seconds", b.lost.n)
	}
}
