package netcode

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
	"github.com/overtime-server/overtime/netcode/delta"
	"github.com/overtime-server/overtime/netcode/token"
	"github.com/overtime-server/overtime/schema"
	"github.com/overtime-server/overtime/schema/wire"
)

// slowPeeper is a client made by hand on a slow line in fog. It checks in the bytes of every frame that what it is told, it may know.
type slowPeeper struct {
	fogPeeper
	mates, enemies, gaps int // bodies told of; frames over more than a state frame
}

func (p *slowPeeper) enter(e *edge, tok string) {
	var err error
	if p.c, err = e.raw(nil); err != nil {
		p.t.Fatal(err)
	}
	p.tape = p.c.record(true, func(m *wire.ServerMessage) {
		if w, ok := schema.ReadWelcome(m); ok {
			p.w = w
			if p.state, err = delta.NewState(delta.KindsFromWire(w.Kinds), int(w.Every)); err != nil {
				p.t.Error(err)
			}
		}
		if schema.IsFrame(m) {
			p.frame(m)
		}
	})
	p.c.message(p.c.w.Hello(&schema.Hello{Version: schema.Version, Token: tok}))
}

// frame reads one state frame and acknowledges it.
func (p *slowPeeper) frame(m *wire.ServerMessage) {
	ch := game.Channel(m.Channel())
	had := map[uint32]uint8{}
	if snap := p.state.Snapshot(ch); snap != nil {
		for k := range p.w.Kinds {
			snap.Each(uint8(k), func(id uint32, _ []int32) { had[id] = uint8(k) })
		}
	}
	res, err := p.state.Apply(m)
	if err != nil {
		p.t.Errorf("%s: %v", p.name, err)
		return
	}
	p.mentioned(m, ch, had)
	if team, ok := ch.IsTeam(); ok && team != p.team {
		p.t.Errorf("%s got a frame of team %d", p.name, team)
	}
	p.told(m, ch, res.Tick, had)
	if res.Clock {
		if m.Base() > 1 {
			p.gaps++
		}
		var w schema.ClientWriter // that of p.c belongs to the test
		p.c.message(w.Samples(nil, res.Tick, 0))
	}
}

// told checks the bodies and rockets that a frame mentions: each is where it says, and nobody hidden is among them.
func (p *slowPeeper) told(m *wire.ServerMessage, ch game.Channel, tick uint32, had map[uint32]uint8) {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	now := p.world.ticks[tick]
	rows, id := m.RowsBytes(), uint64(0)
	for len(rows) > 0 && now != nil {
		gap, n := binary.Uvarint(rows)
		rows, id = rows[n:], id+gap
		kind, row, has := p.state.Row(ch, uint32(id))
		if !has {
			kind = had[uint32(id)]
		}
		bits := 1 + len(p.w.Kinds[kind].Fields)
		for _, f := range p.w.Kinds[kind].Fields {
			if f.Linear && (m.Keyframe() || m.Base() != 0) {
				bits++
			}
		}
		mask := rows[:(bits+7)/8]
		rows = rows[len(mask):]
		if bytes.Count(mask, []byte{0}) == len(mask) {
			continue
		}
		switch kind {
		case arena.KindBody:
			b, there := now.bodies[uint32(id)]
			switch {
			case !there || row[arena.BodyX] != b.values[arena.BodyX] || row[arena.BodyY] != b.values[arena.BodyY]:
				p.t.Errorf("%s, tick %d: is told of body %d at %v, which is not there", p.name, tick, id, row[:2])
			case b.team == p.team:
				p.mates++
			case !b.shown:
				p.t.Errorf("%s, tick %d: is told of an enemy whom nobody of his sees", p.name, tick)
			default:
				p.enemies++
			}
		case arena.KindRocket:
			if k, there := now.rockets[[3]int32(row)]; !there || k.team != p.team && !k.shown {
				p.t.Errorf("%s, tick %d: is told of a rocket that he cannot see: %v", p.name, tick, row)
			}
		}
	}
}

// In fog, too, who is sent some rows only is told of nothing that he may not see: not now, and not later what he might have seen before.
func TestFogOnASlowWire(t *testing.T) {
	virtual(t, nil, func(t *testing.T, ctx context.Context, e *edge) {
		w := newFogWorld()
		m := e.match("m", w.in)
		var seen [8]fogSeen
		for i := range seen {
			tok := e.sign(token.Player{Match: "m", ID: fmt.Sprint("bot", i), Team: uint32(1 + i%2)})
			e.playAs(ctx, tok, fogBot(t, w, m.Static(), uint64(i), &seen[i]), nil)
		}
		var rate atomic.Int64
		slow := *e
		slow.dial = e.narrow(ctx, 20*time.Millisecond, &rate)
		var all []*slowPeeper
		for i := range 2 {
			p := &slowPeeper{fogPeeper: fogPeeper{t: t, world: w, name: fmt.Sprint("slow", i+1), team: uint32(i + 1)}}
			all = append(all, p)
			p.enter(&slow, e.sign(token.Player{Match: "m", ID: p.name, Team: p.team, Spectator: i == 1}))
		}
		after(2 * time.Second)
		rate.Store(900)
		after(20 * time.Second)
		if n := e.srv.stats.Reduced.Load(); n != 2 {
			t.Errorf("%d players have views of their own", n)
		}
		rate.Store(0)
		after(4 * time.Second)
		if n := e.srv.stats.Reduced.Load(); n != 0 {
			t.Errorf("%d players have views of their own afterwards", n)
		}
		for _, p := range all {
			if p.tape.expect(t, 0); p.mates < 50 || p.enemies < 20 || p.gaps < 60 {
				t.Errorf("%s: told of %d mates and %d enemies, %d frames over a gap", p.name, p.mates, p.enemies, p.gaps)
			}
		}
	})
}
