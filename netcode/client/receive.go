package client

import (
	"reflect"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/delta"
	"github.com/overtime-server/overtime/schema"
	"github.com/overtime-server/overtime/schema/wire"
)

const keyframeWait = time.Second // before a keyframe is asked for again

// receive takes one inflated message, answers it and sends what the handler staged. It is where the server's bytes are checked.
func (c *Client) receive(l *link, b []byte) {
	m, err := schema.VerifyServer(b)
	if err != nil {
		c.malformed(l)
		return
	}
	if schema.IsFrame(&m) {
		c.frame(l, &m)
	} else {
		c.other(l, &m)
	}
	c.flush(l)
}

func (c *Client) malformed(l *link) {
	c.count.decodeErrors.Add(1)
	if c.state != nil {
		c.state.Reset()
	}
	l.fail(schema.CloseInconsistent)
}

// frame applies a state frame. The frame of channel All comes last in its tick and completes the state.
func (c *Client) frame(l *link, m *wire.ServerMessage) {
	if !l.welcomed {
		c.malformed(l)
		return
	}
	if m.Keyframe() {
		if m.Epoch() < c.epoch {
			l.stale()
			return
		}
		c.epoch = m.Epoch()
	}
	res, err := c.state.Apply(m)
	switch err {
	case nil:
		c.count.hashChecks.Add(1)
	case delta.ErrMalformed:
		c.malformed(l)
		return
	case delta.ErrHash:
		c.count.hashChecks.Add(1)
		c.count.hashMismatches.Add(1)
		fallthrough
	default:
		c.askKeyframe(l)
		return
	}
	if res.Clock {
		c.count.frames.Add(1)
		c.count.changed.Add(uint64(res.Changed))
		if res.Keyframe {
			c.count.keyframes.Add(1)
			c.wantKey = 0
		}
		l.dog.framed.Store(l.dog.heard.Load())
		c.tick(res.Tick)
	}
}

// tick is called when the state of a tick is complete.
func (c *Client) tick(tick uint32) {
	now := c.now()
	if c.lastFrame != 0 && c.cfg.Gap != nil {
		c.cfg.Gap(now - c.lastFrame)
	}
	c.lastFrame = now
	c.unacked = c.unacked || tick-c.acked >= ackEvery // when the match has gone back, too
	c.clock.frame(now, tick)
	c.readAck(now)
	c.cfg.Handler.Frame(c, tick)
}

func (c *Client) askKeyframe(l *link) {
	now := c.now()
	if c.wantKey != 0 && now-c.wantKey < keyframeWait {
		return
	}
	c.wantKey = now
	c.count.keyframeRequests.Add(1)
	l.write(c.writer.Keyframe())
}

// other takes everything that is not a state frame.
func (c *Client) other(l *link, m *wire.ServerMessage) {
	if w, ok := schema.ReadWelcome(m); ok && !c.onWelcome(l, w) {
		c.malformed(l)
		return
	}
	l.farewell(m)
	if u, ok := schema.ReadStandby(m); ok {
		c.stand(l, u)
	}
	if m.RosterLength() > 0 {
		c.roster = schema.AppendRoster(c.roster[:0], m)
		c.cfg.Handler.Roster(c, c.roster)
	}
	if m.MessagesLength() > 0 {
		c.reliable(m)
	}
	if p, ok := schema.ReadPong(m); ok {
		c.onPong(p)
	}
	if t, ok := schema.ReadResume(m); ok {
		c.resume = t
	}
}

// stand notes who stands by. Where nobody does any more, who did is still worth a try: every node knows the way to the match.
func (c *Client) stand(l *link, standby string) {
	if _, err := parse(standby); err != nil {
		standby = ""
	}
	if c.welcome.Standby = standby; standby != "" {
		c.stoodBy = standby
	}
	l.guard(c.stoodBy != "" && c.stoodBy != l.addr)
}

// reliable hands out the messages that are new.
func (c *Client) reliable(m *wire.ServerMessage) {
	c.messages = schema.AppendMessages(c.messages[:0], m)
	for _, x := range c.messages {
		c.unacked = true
		if x.Number <= c.message {
			c.count.repeated.Add(1)
			continue
		}
		c.message = x.Number
		c.count.messages.Add(1)
		c.cfg.Handler.Message(c, x.Kind, x.Data)
	}
}

func (c *Client) onPong(p schema.Pong) {
	if p.Client != c.ping || c.ping == 0 {
		return
	}
	c.ping = 0
	now, hz := c.now(), c.clock.hz
	trip := max(0, now-c.pingAt-time.Duration(p.HeldMicros)*time.Microsecond)
	c.clock.pong(now, trip, float64(p.Tick)+float64(p.FracMicros)*hz/1e6, float64(p.LatenessMs)*hz/1e3)
	c.count.rttNanos.Store(uint64(c.clock.rtt()))
}

// onWelcome begins to play on a connection, for the first time or again. It returns false for a welcome that makes no sense.
func (c *Client) onWelcome(l *link, w schema.Welcome) bool {
	if l.welcomed || w.Hz == 0 {
		return false
	}
	resumed := c.count.connects.Load() > 0
	same := w.Match == c.welcome.Match && w.Player == c.welcome.Player
	if c.state == nil || !same || w.Every != c.welcome.Every || !reflect.DeepEqual(w.Kinds, c.welcome.Kinds) {
		state, err := delta.NewState(delta.KindsFromWire(w.Kinds), int(w.Every))
		if err != nil {
			return false
		}
		c.state = state
	}
	if c.state.Epoch() != w.Epoch {
		c.state.Reset() // only a keyframe leads into another epoch
	}
	c.state.Resumed()
	if !same {
		c.pending, c.commands, c.command, c.message = pending{}, nil, 0, 0
	}
	c.welcome, c.url, c.wantKey, c.ping, c.pingAt = w, c.trying, 0, 0, 0
	c.epoch = max(c.epoch, w.Epoch)
	if w.Resume != "" {
		c.resume = w.Resume
	}
	now := c.now()
	l.welcomed, l.welcomedAt, l.window.size = true, now, int(w.Window)
	c.count.connects.Add(1)
	c.clock.start(int(w.Hz), w.Tick, now)
	c.ack = findAck(w.Kinds)
	c.answered(now, w.Sample)
	c.applied(w.Command)
	c.pending.seq, c.command = max(c.pending.seq, w.Sample), max(c.command, w.Command)
	c.resend(l)
	c.stand(l, w.Standby)
	c.cfg.Handler.Welcome(c, &c.welcome, resumed)
	return true
}

// ackRow is where the fields of the player's own row of kind "overtime.ack" are; -1: absent.
type ackRow struct {
	kind                                           int
	sample, applied, merged, late, refused, number int
}

const ackID = 0 // id of that row

func findAck(kinds []schema.Kind) ackRow {
	a := ackRow{-1, -1, -1, -1, -1, -1, -1}
	for i, k := range kinds {
		if k.Name != "overtime.ack" {
			continue
		}
		a.kind = i
		for j, f := range k.Fields {
			switch f.Name {
			case "sample":
				a.sample = j
			case "applied":
				a.applied = j
			case "merged":
				a.merged = j
			case "late":
				a.late = j
			case "refused":
				a.refused = j
			case "command":
				a.number = j
			}
		}
	}
	return a
}

// readAck looks up what the server has answered.
func (c *Client) readAck(now time.Duration) {
	kind, row, ok := c.state.Row(game.Own(c.welcome.Player), ackID)
	if !ok || int(kind) != c.ack.kind {
		return
	}
	value := func(i int) uint32 {
		if i < 0 {
			return 0
		}
		return uint32(row[i])
	}
	c.count.applied.Store(uint64(value(c.ack.applied)))
	c.count.merged.Store(uint64(value(c.ack.merged)))
	c.count.late.Store(uint64(value(c.ack.late)))
	c.count.refused.Store(uint64(value(c.ack.refused)))
	c.answered(now, value(c.ack.sample))
	c.applied(value(c.ack.number))
}

// answered forgets the samples up to seq.
func (c *Client) answered(now time.Duration, seq uint32) {
	n := c.pending.answered(seq, func(at time.Duration) {
		if c.cfg.Ack != nil {
			c.cfg.Ack(now - at)
		}
	})
	c.count.answered.Add(uint64(n))
}

// applied forgets the commands up to number.
func (c *Client) applied(number uint32) {
	n := 0
	for n < len(c.commands) && c.commands[n].number <= number {
		n++
	}
	c.commands = append(c.commands[:0], c.commands[n:]...)
}
