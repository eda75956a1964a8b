package client

import (
	"bytes"
	"time"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/schema"
)

const (
	ackEvery   = 2                      // ticks after which the server is told what has arrived, also when there is nothing else to say
	pingSoon   = 200 * time.Millisecond // between the first pings of a connection
	pingLater  = 2 * time.Second        // between later ones
	pingExpiry = 5 * time.Second        // after which a ping is taken for lost
)

// Send sends the player's controls. The client sets Seq and Seen (the tick on the screen, unless it is set); it works out
// the tick they are for. They leave in one message when the handler returns. For use inside handlers.
func (c *Client) Send(in game.Input) {
	if c.link == nil || !c.link.welcomed {
		return
	}
	now := c.now()
	if in.Seen == 0 {
		in.Seen = c.state.Tick()
	}
	s, dropped := c.pending.add(schema.Sample{
		Tick: c.clock.target(now), Shown: in.Seen, Axes: in.Axes, Buttons: in.Buttons, Frac: in.Frac,
	}, now)
	if dropped {
		c.count.abandoned.Add(1)
	}
	c.count.sent.Add(1)
	if len(c.staged) == schema.MaxSamples {
		c.flush(c.link)
	}
	c.staged = append(c.staged, s)
}

// Command sends a command: it is applied exactly once, in order. ErrBusy says that too many are unanswered; ErrCommand that
// it is longer than game.MaxCommand bytes. data is copied. For use inside handlers.
func (c *Client) Command(data []byte) error {
	switch {
	case len(data) > game.MaxCommand:
		return ErrCommand
	case len(c.commands) >= maxCommands:
		return ErrBusy
	}
	c.command++
	c.commands = append(c.commands, command{c.command, bytes.Clone(data)})
	c.count.commands.Add(1)
	if c.link != nil && c.link.welcomed {
		c.link.write(c.writer.Command(c.command, data))
	}
	return nil
}

// resend sends again what the server has not answered, under the old numbers.
func (c *Client) resend(l *link) {
	c.staged = c.staged[:0]
	c.pending.all(func(s []schema.Sample) {
		c.count.resent.Add(uint64(len(s)))
		l.write(c.writer.Samples(s, c.state.Tick(), c.message))
	})
	for _, x := range c.commands {
		l.write(c.writer.Command(x.number, x.data))
	}
	c.pings = 0
	c.unacked = true
}

// flush sends what is due: staged samples, or an acknowledgement, and a ping.
func (c *Client) flush(l *link) {
	if !l.welcomed || l.cut {
		return
	}
	if len(c.staged) > 0 || c.unacked {
		l.write(c.writer.Samples(c.staged, c.state.Tick(), c.message))
		c.staged, c.unacked, c.acked = c.staged[:0], false, c.state.Tick()
	}
	now, wait := c.now(), pingLater
	if c.pings < len(c.clock.sync) {
		wait = pingSoon
	}
	if c.pingAt != 0 && (now-c.pingAt < wait || c.ping != 0 && now-c.pingAt < pingExpiry) {
		return
	}
	c.pings++
	c.pingAt, c.ping = now, uint32(now/time.Millisecond)+1
	l.write(c.writer.Ping(c.ping))
}
