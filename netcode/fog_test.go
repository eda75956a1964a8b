package netcode

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/netcode/delta"
	"github.com/overtime-server/overtime/netcode/token"
	"github.com/overtime-server/overtime/schema"
	"github.com/overtime-server/overtime/schema/wire"
)

// fogBot is a bot that plays in fog and checks every state that it has against the world.
func fogBot(t *testing.T, w *fogWorld, static []byte, seed uint64, seen *fogSeen) *walker {
	x := &walker{brain: arena.Game().Brain(game.BrainSetup{Seed: seed, Hz: 30, Static: static, Skill: 60})}
	x.onFrame = func(c *client.Client, tick uint32) {
		if err := w.check(c.View(), scoreTeam(c.View(), c.Player()), seen); err != nil && !t.Failed() {
			t.Errorf("player %d: %v", c.Player(), err)
		}
	}
	return x
}

// scoreTeam returns the team of a player as the score table has it, 0 if he is not there.
func scoreTeam(v game.View, player uint32) (team uint32) {
	v.Each(arena.KindScore, func(_ uint32, row []int32) {
		if uint32(row[arena.ScorePlayer]) == player {
			team = uint32(row[arena.ScoreTeam])
		}
	})
	return team
}

// fogPeeper is a client made by hand that plays no game, reads everything that it is sent, and tries what it can to be sent
// more.
type fogPeeper struct {
	t     *testing.T
	world *fogWorld
	name  string
	team  uint32 // whose rows it may have; 0: nobody's
	state *delta.State
	rand  *rand.Rand
	c     *rawClient
	tape  *tape
	w     schema.Welcome
	seen  fogSeen
	last  schema.Hello // what it would say to resume
	lied  bool         // about what it has: it is sent what it cannot read
}

// enter connects with a token, or resumes, and reads from then on.
func (p *fogPeeper) enter(e *edge, h schema.Hello) {
	var err error
	if p.c, err = e.raw(nil); err != nil {
		p.t.Fatal(err)
	}
	h.Version = schema.Version
	p.tape = p.c.record(true, func(m *wire.ServerMessage) {
		if w, ok := schema.ReadWelcome(m); ok {
			p.w = w
			if p.state == nil {
				if p.state, err = delta.NewState(delta.KindsFromWire(w.Kinds), int(w.Every)); err != nil {
					p.t.Error(err)
				}
			}
		}
		if schema.IsFrame(m) {
			p.frame(m)
		}
	})
	p.c.message(p.c.w.Hello(&h))
}

// frame reads one state frame.
func (p *fogPeeper) frame(m *wire.ServerMessage) {
	ch := game.Channel(m.Channel())
	team, isTeam := ch.IsTeam()
	own, isOwn := ch.IsOwn()
	if isTeam && team != p.team || isOwn && own != p.w.Player {
		p.t.Errorf("%s got a frame of channel %#x", p.name, uint32(ch))
	}
	had := map[uint32]uint8{}
	if snap := p.state.Snapshot(ch); snap != nil {
		for k := range p.w.Kinds {
			snap.Each(uint8(k), func(id uint32, _ []int32) { had[id] = uint8(k) })
		}
	}
	res, err := p.state.Apply(m)
	switch {
	case err != nil && p.lied: // it goes on from a state that he has not
		var w schema.ClientWriter // that of p.c belongs to the test
		p.c.message(w.Keyframe())
		return
	case err != nil:
		p.t.Errorf("%s: %v", p.name, err)
		return
	}
	p.mentioned(m, ch, had)
	if !res.Clock {
		return
	}
	p.lied = false
	p.last = schema.Hello{Resume: p.w.Resume, Epoch: p.w.Epoch, Tick: res.Tick, ViewHash: p.state.Hash()}
	if err := p.world.check(p.state, p.team, &p.seen); err != nil && !p.t.Failed() {
		p.t.Errorf("%s: %v", p.name, err)
	}
}

// mentioned checks that all ids in the bytes of a frame are of rows that he has after it, or of rows that are gone and that
// he had: no other is mentioned.
func (p *fogPeeper) mentioned(m *wire.ServerMessage, ch game.Channel, had map[uint32]uint8) {
	rows := m.RowsBytes()
	for id := uint64(0); len(rows) > 0; {
		gap, n := binary.Uvarint(rows)
		rows, id = rows[n:], id+gap
		isNew := rows[0]&1 != 0
		kind, known := had[uint32(id)]
		now, _, has := p.state.Row(ch, uint32(id))
		if isNew {
			kind, known = now, has
		}
		if !known {
			p.t.Errorf("%s: channel %#x mentions row %d, which he neither had nor has", p.name, uint32(ch), id)
			return
		}
		bits := 1 + len(p.w.Kinds[kind].Fields)
		for _, f := range p.w.Kinds[kind].Fields {
			if f.Linear && (m.Keyframe() || m.Base() != 0) {
				bits++
			}
		}
		mask := rows[:(bits+7)/8]
		rows = rows[len(mask):]
		if gone := bytes.Count(mask, []byte{0}) == len(mask); gone == has {
			p.t.Errorf("%s: channel %#x mentions row %d: gone %v, but he has it %v", p.name, uint32(ch), id, gone, has)
		}
	}
}

// pry sends what no honest client does.
func (p *fogPeeper) pry() {
	var s []schema.Sample
	for range 4 {
		x := schema.Sample{Seq: uint32(len(s)) + p.rand.Uint32N(3000), Tick: p.last.Tick + p.rand.Uint32N(9), Shown: p.rand.Uint32(), Frac: 255, Buttons: uint16(p.rand.Uint32())}
		for i := range x.Axes {
			x.Axes[i] = int16(p.rand.Uint32())
		}
		if len(s) == 0 || x.Seq > s[len(s)-1].Seq {
			s = append(s, x)
		}
	}
	switch p.rand.IntN(4) {
	case 0:
		p.c.message(p.c.w.Samples(s, p.rand.Uint32(), 0))
	case 1:
		p.c.message(p.c.w.Samples(s, p.last.Tick-p.rand.Uint32N(40), p.rand.Uint32()))
	case 2:
		p.c.message(p.c.w.Keyframe())
	case 3:
		p.c.message(p.c.w.Ping(p.rand.Uint32() | 1))
	}
}

// again breaks the connection and comes back, with a token or with the resume token and a state that he has or claims to have.
func (p *fogPeeper) again(e *edge, tok string) {
	p.c.Close()
	after(50 * time.Millisecond)
	h := p.last
	switch p.rand.IntN(3) {
	case 0:
		h, p.state = schema.Hello{Token: tok}, nil
	case 1:
		h.Tick -= p.rand.Uint32N(200) // believed where the hash is the same
		p.lied = true
	}
	p.enter(e, h)
	after(200 * time.Millisecond)
}

// gone reports whether the server has closed the connection.
func (p *fogPeeper) gone() bool {
	p.tape.mu.Lock()
	defer p.tape.mu.Unlock()
	return p.tape.ended
}

// In fog nothing reaches a player's wire that tells of an enemy whom nobody of his team sees: seen in every state that bots and
// spectators have, and in every frame that comes to clients who send what they like, lie about what they have, and come and go.
func TestFogOnTheWire(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		w := newFogWorld()
		m := e.match("m", w.in)
		var players []*player
		var seen [10]fogSeen
		for i := range seen {
			tok := e.sign(token.Player{Match: "m", ID: fmt.Sprint("bot", i), Team: []uint32{1, 2, 0, 0, 9}[i%5]})
			players = append(players, e.playAs(ctx, tok, fogBot(t, w, m.Static(), uint64(i), &seen[i]), nil))
		}
		after(time.Second)
		peepers := []*fogPeeper{{name: "red-cheat", team: 1}, {name: "blue-cheat", team: 2}, {name: "red-coach", team: 1}, {name: "spectator"}}
		toks := make([]string, len(peepers))
		for i, p := range peepers {
			p.t, p.world, p.rand = t, w, rand.New(rand.NewPCG(uint64(i), 1))
			toks[i] = e.sign(token.Player{Match: "m", ID: p.name, Team: p.team, Spectator: i >= 2})
			p.enter(e, schema.Hello{Token: toks[i]})
		}
		after(time.Second)
		rounds := 40
		if raceDetector {
			rounds = 12
		}
		for round := range rounds {
			for _, p := range peepers {
				p.pry()
			}
			after(400 * time.Millisecond)
			for i, p := range peepers {
				if round%12 == 3*i || p.gone() {
					p.again(e, toks[i])
				}
			}
			if round%7 == 0 {
				players[round%len(players)].Cut()
			}
		}
		for i, p := range players {
			s := p.honest(t)
			if x := seen[i]; s.Frames < uint64(10*rounds) || x.mates < 10*rounds || x.enemies < 2*rounds || x.hidden < 2*rounds || x.rockets < rounds/10 {
				t.Errorf("bot %d: %d frames, %+v", i, s.Frames, x)
			}
		}
		for _, p := range peepers {
			if x := p.seen; x.hidden < 2*rounds || (p.team != 0) != (x.enemies > 2*rounds && x.mates > 10*rounds) {
				t.Errorf("%s: %+v", p.name, x)
			}
		}
	})
}

// Who comes without a team is given one by the rules, and has its rows from his first frame on.
func TestTeamByTheRules(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		w := newFogWorld()
		e.match("m", w.in)
		var size [3]int
		for i := range 6 {
			p := &fogPeeper{t: t, world: w, name: fmt.Sprint("p", i), team: uint32(i%2 + 1), rand: rand.New(rand.NewPCG(1, 1))}
			p.enter(e, schema.Hello{Token: e.token("m", p.name)})
			after(time.Second)
			size[p.w.Team]++
			if p.w.Team != p.team || p.seen.mates == 0 {
				t.Errorf("%s: team %d, %+v", p.name, p.w.Team, p.seen)
			}
		}
		if size != [3]int{0, 3, 3} {
			t.Errorf("teams of %v", size)
		}
	})
}
