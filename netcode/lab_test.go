package netcode

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
)

// lab is a game for tests. It has rows in every sort of channel, and its players command it:
//
//	note TEXT     is noted down
//	say N         sends N reliable messages of 1 KiB to himself
//	end           ends the round
//	kick          has himself kicked
//	panic         panics
//	sleep D       holds up the tick
type lab struct {
	talk uint32 // every so many ticks everybody is sent a reliable message with the next number; 0: never
	mob  uint32 // so many bodies move about, for everybody to see

	mu     sync.Mutex
	notes  []string // what was noted, of all players
	events []string // joins, leaves, drops and returns
}

// Kinds of rows.
const (
	labPublic = iota // All: number, x
	labSecret        // Own(n): owner, value
	labPlan          // Team(n): team, value
	labBody          // All: x, y, angle, health
)

// def returns the game's definition.
func (l *lab) def() game.Def {
	row := func(name string, f ...game.Field) game.Kind { return game.Kind{Name: name, Fields: f} }
	return game.Def{
		Name: "lab", Version: 1, Exact: true, New: func(game.Setup) (game.Match, error) { return &labMatch{lab: l}, nil },
		Kinds: []game.Kind{
			row("public", game.Field{Name: "number", Bits: 32}, game.Field{Name: "x", Bits: 16, Linear: true}),
			row("secret", game.Field{Name: "owner", Bits: 32}, game.Field{Name: "value", Bits: 32}),
			row("plan", game.Field{Name: "team", Bits: 32}, game.Field{Name: "value", Bits: 32}),
			row("body", game.Field{Name: "x", Bits: 16, Linear: true}, game.Field{Name: "y", Bits: 16, Linear: true},
				game.Field{Name: "angle", Bits: 8}, game.Field{Name: "health", Bits: 7}),
		},
	}
}

// in makes a match play it.
func (l *lab) in(change func(*loop.Config)) func(*loop.Config) {
	return func(c *loop.Config) {
		c.Game = l.def()
		if change != nil {
			change(c)
		}
	}
}

func (l *lab) log(to *[]string, s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*to = append(*to, s)
}

// noted returns what was noted so far.
func (l *lab) noted() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.notes)
}

// count returns how many events begin with a prefix.
func (l *lab) count(prefix string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if strings.HasPrefix(e, prefix) {
			n++
		}
	}
	return n
}

type labMatch struct {
	lab   *lab
	tick  uint32
	said  uint32
	seats []labSeat
}

type labSeat struct{ Number, Team uint32 }

var labEvents = map[game.EventKind]string{game.EventJoin: "join", game.EventLeave: "leave", game.EventDrop: "drop", game.EventReturn: "return"}

func (m *labMatch) Step(t *game.Tick) {
	m.tick = t.N
	m.seats = m.seats[:0]
	for _, p := range t.Players {
		if !p.Spectator {
			m.seats = append(m.seats, labSeat{p.Number, p.Team})
		}
	}
	for _, e := range t.Events {
		if e.Kind == game.EventCommand {
			m.command(t, e.Player, string(e.Data))
		} else {
			m.lab.log(&m.lab.events, fmt.Sprint(labEvents[e.Kind], " ", e.Player))
		}
	}
	if m.lab.talk != 0 && t.N%m.lab.talk == 0 {
		m.said++
		t.Send(game.All, []byte(strconv.Itoa(int(m.said))))
	}
}

func (m *labMatch) command(t *game.Tick, player uint32, s string) {
	verb, arg, _ := strings.Cut(s, " ")
	switch verb {
	case "note":
		m.lab.log(&m.lab.notes, arg)
	case "say":
		n, _ := strconv.Atoi(arg)
		for range n {
			t.Send(game.Own(player), make([]byte, game.MaxMessage))
		}
	case "end":
		t.End([]byte(`{"winner":1}`))
	case "kick":
		t.Kick(player, "asked for it")
	case "panic":
		panic("asked for it")
	case "sleep":
		d, _ := time.ParseDuration(arg)
		time.Sleep(d)
	}
}

// labValue is what the secret row of a player, or the plan of a team, holds at a tick: nothing that can be predicted.
func labValue(n, tick uint32) int32 { return int32(tick*2654435761 ^ n*40503) }

func (m *labMatch) Rows(r *game.Rows) {
	for i := range m.lab.mob {
		turn := labValue(i, m.tick/8)
		v := r.Put(game.All, 1000+i, labBody)
		v[0], v[1] = int32(m.tick*(i+1))+turn>>28, int32(m.tick*3+i)+turn>>30
		v[2], v[3] = turn&63, 100-int32(m.tick/30+i)%100
	}
	var teams []uint32
	for _, s := range m.seats {
		v := r.Put(game.All, s.Number, labPublic)
		v[0], v[1] = int32(s.Number), int32(m.tick*s.Number%10_000)
		v = r.Put(game.Own(s.Number), 1, labSecret)
		v[0], v[1] = int32(s.Number), labValue(s.Number, m.tick)
		if s.Team != 0 && !slices.Contains(teams, s.Team) {
			teams = append(teams, s.Team)
			v = r.Put(game.Team(s.Team), 1, labPlan)
			v[0], v[1] = int32(s.Team), labValue(s.Team, m.tick)
		}
	}
}

func (m *labMatch) Save(b []byte) []byte {
	b, _ = binary.Append(b, binary.LittleEndian, []uint32{m.tick, m.said})
	b, _ = binary.Append(b, binary.LittleEndian, m.seats)
	return b
}

func (m *labMatch) Load(b []byte) error {
	m.tick, m.said = binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	m.seats = make([]labSeat, (len(b)-8)/8)
	_, err := binary.Decode(b[8:], binary.LittleEndian, m.seats)
	return err
}
