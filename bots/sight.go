package bots

import (
	"sync"
	"time"

	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/schema"
)

// maxSeen bounds the frames kept of one player: five minutes at 60 a second. Later ones are counted, not kept.
const maxSeen = 18_000

// Sights is where the bots of a run write down every state frame, for whoever compares it with what the servers say they
// did. It is handed over as Config.Sights, used for one run, and may be read meanwhile from any goroutine.
type Sights struct {
	began time.Time // static

	mu  sync.Mutex // guards the list, not what is in it
	all []*Sight
}

// NewSights returns an empty collection; times in it count from now.
func NewSights() *Sights { return &Sights{began: time.Now()} }

// Began is when the times of frames count from.
func (s *Sights) Began() time.Time { return s.began }

// Sight is what one player saw.
type Sight struct {
	Match string // id; static, as is the next
	ID    string // of the player, from his token

	mu    sync.Mutex // guards the following
	saw   Saw
	began time.Time
	kind  uint8 // index of the player's own row of answers
	field int   // in it: the last sample answered; -1: there is none
}

// Saw is what a Sight has so far.
type Saw struct {
	Player uint32 // number in the match, 0 before the first welcome
	Frames []Seen // in the order in which they came
	Missed uint64 // frames that there was no room for
	Others int    // welcomes that named another match, or another player, than the first
	Stale  uint64 // connections that the client gave up since they were of an epoch that was over
}

// Seen is one state frame that a player has decoded and checked.
type Seen struct {
	At    time.Duration // since Sights.Began
	Tick  uint32
	Epoch uint32 // of whoever sent it
	View  uint32 // hash of the rows that all players of the match see, as he has them: a slow player, sent over a gap, may lack some
	Ack   uint32 // last of the player's samples that the state says is answered; 0: none
}

// All calls f for every player. What f is given is locked and valid during the call.
func (s *Sights) All(f func(x *Sight, saw *Saw)) {
	s.mu.Lock()
	all := s.all[:len(s.all):len(s.all)]
	s.mu.Unlock()
	for _, x := range all {
		x.mu.Lock()
		f(x, &x.saw)
		x.mu.Unlock()
	}
}

// add makes room for one player; nil if nobody wants to know.
func (s *Sights) add(match, id string) *Sight {
	if s == nil {
		return nil
	}
	x := &Sight{Match: match, ID: id, began: s.began, field: -1}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, x)
	return x
}

// welcome notes who the player is. Called by the goroutine of the client, as is frame.
func (x *Sight) welcome(c *client.Client, w *schema.Welcome) {
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case w.Match != x.Match, x.saw.Player != 0 && x.saw.Player != w.Player:
		x.saw.Others++
	default:
		x.saw.Player = w.Player
	}
	kind, k, ok := c.Kind("overtime.ack")
	x.field = -1
	for i, f := range k.Fields {
		if ok && f.Name == "sample" {
			x.kind, x.field = kind, i
		}
	}
}

// frame notes a state frame.
func (x *Sight) frame(c *client.Client, tick uint32) {
	if x == nil {
		return
	}
	now := time.Since(x.began)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.saw.Stale = c.Stats().Stale
	if len(x.saw.Frames) >= maxSeen {
		x.saw.Missed++
		return
	}
	seen := Seen{At: now, Tick: tick}
	if v, ok := c.View().(interface{ Epoch() uint32 }); ok {
		seen.Epoch = v.Epoch()
	}
	if v, ok := c.View().(interface{ Hash() uint32 }); ok {
		seen.View = v.Hash()
	}
	if x.field >= 0 {
		c.View().Each(x.kind, func(_ uint32, row []int32) { seen.Ack = uint32(row[x.field]) })
	}
	x.saw.Frames = append(x.saw.Frames, seen)
}
