package loop

import (
	"slices"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// seatOf is what the match keeps about one player outside of its state: his link and his buffered samples.
type seatOf struct {
	number   uint32
	id       string
	who      journal.Join
	link     Link   // nil while he is away, or expected
	away     bool   // as planned: the core has him offline
	answered bool   // the link has received its welcome
	issued   uint32 // generation of the resume token that the link was given
	spent    uint32 // generation that is valid, as planned: the core may learn of it with this very record
	command  uint32 // last command planned
	message  uint32 // last reliable message acknowledged
	samples  inputBuffer

	saidAck, saidMessage uint32 // as in the last record
}

// planner turns what is in the inbox into the next record. It reads the core and never changes it; what it tells the
// sink is kept until the record has been applied. Owned by the match's goroutine.
type planner struct {
	core   *Core
	out    outlet
	gate   *gate // nil: none
	stats  *Stats
	seats  []*seatOf // ascending by number
	rec    journal.Record
	lastNo uint32 // last player number planned
	joined []*seatOf
	roster bool
	stop   Outcome
	grace  uint32 // tick at which seats that are expected drop; 0: none are
}

// plan makes the record of the next tick. The record is valid until the next call.
func (p *planner) plan(items []item) *journal.Record {
	p.rec = journal.Record{Tick: p.core.tick + 1, Events: p.rec.Events[:0], Inputs: p.rec.Inputs[:0]}
	p.lastNo, p.joined = p.core.lastNum, p.joined[:0]
	for i := range items {
		p.item(&items[i])
	}
	p.expire()
	for _, s := range p.seats {
		in, ok := s.samples.take(p.rec.Tick, p.core.head.Hz)
		in.Player, in.MessageAck = s.number, s.message
		if !ok && in.Ack == s.saidAck && in.MessageAck == s.saidMessage {
			continue
		}
		s.saidAck, s.saidMessage = in.Ack, in.MessageAck
		p.stats.Applied.Add(uint64(len(in.Samples)))
		p.stats.Merged.Add(uint64(in.Merged))
		p.stats.Late.Add(uint64(in.Late))
		p.rec.Inputs = append(p.rec.Inputs, in)
	}
	return &p.rec
}

func (p *planner) event(e journal.Event) { p.rec.Events = append(p.rec.Events, e) }

func (p *planner) byLink(l Link) *seatOf {
	for _, s := range p.seats {
		if s.link == l {
			return s
		}
	}
	return nil
}

func (p *planner) item(it *item) {
	switch it.kind {
	case itemAttach:
		p.attach(it.link, it.attach)
		return
	case itemAdmin:
		p.event(journal.Event{Kind: game.EventAdmin, Data: it.data})
		return
	case itemKick:
		p.kick(it.id, it.data)
		return
	case itemStop:
		if p.stop == 0 {
			p.stop = Outcome(it.number)
			p.event(journal.Event{Kind: journal.EventStop, Data: it.data})
		}
		return
	case itemSay:
		p.event(journal.Event{Kind: journal.EventSay, Data: it.data})
		return
	case itemPause:
		p.event(journal.Event{Kind: journal.EventPause, Number: it.number})
		return
	case itemFinish:
		if p.stop == 0 {
			p.stop = OverFinished
			p.event(journal.Event{Kind: journal.EventFinish, Data: it.data})
		}
		return
	}
	s := p.byLink(it.link)
	if s == nil {
		if it.kind != itemDetach {
			p.stats.Stale.Add(1)
		}
		return
	}
	p.fromPlayer(s, it)
}

// fromPlayer handles what a link that carries a player left.
func (p *planner) fromPlayer(s *seatOf, it *item) {
	switch it.kind {
	case itemAnswer:
		p.answer(s)
	case itemSample:
		p.sample(s, it.sample)
	case itemAck:
		if c := p.core.find(s.number); c != nil && it.number <= c.out.next { // else it was never sent
			s.message = max(s.message, it.number)
		}
	case itemCommand:
		switch {
		case it.number <= s.command:
			p.stats.Duplicate.Add(1)
		case it.number != s.command+1:
			p.outOfBounds(s)
		default:
			s.command++
			p.stats.Commands.Add(1)
			p.event(journal.Event{Kind: game.EventCommand, Player: s.number, Number: it.number, Data: it.data})
		}
	case itemDetach:
		if p.gate != nil {
			p.gate.forget(s.link)
		}
		p.drop(s)
	case itemLeave:
		p.out.Gone(s.link, GoneLeft, "left")
		s.link = nil
		p.leave(s, "left")
	}
}

func (p *planner) sample(s *seatOf, x Sample) {
	if s.who.Spectator {
		p.stats.Stale.Add(1)
		return
	}
	switch s.samples.put(x, p.core.tick, p.core.head.Hz) {
	case sampleEarly:
		p.stats.Early.Add(1)
	case sampleDuplicate:
		p.stats.Duplicate.Add(1)
	case sampleRefused:
		p.stats.Flood.Add(1)
	case sampleOutOfBounds:
		p.outOfBounds(s)
	}
}

// answer spends the resume token that opened the link: from now on only the one it was given is valid.
func (p *planner) answer(s *seatOf) {
	if s.answered {
		return
	}
	s.answered = true
	p.spend(s, s.issued)
}

// spend makes a generation of resume tokens the valid one.
func (p *planner) spend(s *seatOf, generation uint32) {
	if s.spent == generation {
		return
	}
	s.spent = generation
	p.event(journal.Event{Kind: journal.EventSpend, Player: s.number, Number: generation})
}

func (p *planner) outOfBounds(s *seatOf) {
	p.stats.Sequence.Add(1)
	p.out.Gone(s.link, GoneSequence, "sequence out of bounds")
	p.drop(s)
}

// drop takes the link away and keeps the seat. A spectator has none to keep.
func (p *planner) drop(s *seatOf) {
	s.link = nil
	if s.who.Spectator {
		p.leave(s, "disconnected")
		return
	}
	p.roster, s.away = true, true
	p.event(journal.Event{Kind: game.EventDrop, Player: s.number})
}

func (p *planner) leave(s *seatOf, why string) {
	p.event(journal.Event{Kind: game.EventLeave, Player: s.number, Data: []byte(why)})
	p.forget(s.number)
}

// forget drops what is kept about a player. His link, if any, must have been told.
func (p *planner) forget(number uint32) {
	p.roster = true
	p.seats = slices.DeleteFunc(p.seats, func(s *seatOf) bool { return s.number == number })
	p.joined = slices.DeleteFunc(p.joined, func(s *seatOf) bool { return s.number == number })
}

func (p *planner) kick(id string, why []byte) {
	for _, s := range p.seats {
		if s.id != id {
			continue
		}
		if s.link != nil {
			p.out.Gone(s.link, GoneRemoved, string(why))
		}
		p.event(journal.Event{Kind: journal.EventKick, Player: s.number, Data: why})
		p.forget(s.number)
		return
	}
}

// attach lets a link in, or refuses it.
func (p *planner) attach(l Link, a *Attach) {
	i := slices.IndexFunc(p.seats, func(s *seatOf) bool { return s.id == a.Who.ID })
	if i < 0 {
		p.newcomer(l, a)
		return
	}
	s := p.seats[i]
	// The generation issued with the last welcome may be the next one; who presents it proves that it arrived.
	if a.Resume && (a.Player != s.number || a.Gen != s.spent && a.Gen != s.issued) {
		p.out.Refused(l, RefusedResumeToken)
		return
	}
	if a.Resume {
		p.spend(s, a.Gen)
	}
	if s.link != nil {
		p.out.Gone(s.link, GoneReplaced, "replaced by a newer connection")
	} else if s.away {
		p.event(journal.Event{Kind: game.EventReturn, Player: s.number})
		p.roster, s.away = true, false
	}
	s.link, s.answered, s.issued = l, false, s.spent+1
	if !slices.Contains(p.joined, s) {
		p.joined = append(p.joined, s)
	}
}

// maxSpectators bounds the spectators of one match.
const maxSpectators = 64

func (p *planner) newcomer(l Link, a *Attach) {
	switch {
	case a.Resume:
		p.out.Refused(l, RefusedResumeToken)
		return
	case !a.Who.Spectator && p.count(false) >= p.core.head.Seats, a.Who.Spectator && p.count(true) >= maxSpectators:
		p.out.Refused(l, RefusedFull)
		return
	}
	p.lastNo++
	s := &seatOf{number: p.lastNo, id: a.Who.ID, who: a.Who, link: l, issued: 1, spent: 1}
	p.seats = append(p.seats, s)
	p.joined = append(p.joined, s)
	p.roster = true
	p.event(journal.Event{Kind: game.EventJoin, Player: s.number, Join: a.Who})
}

// count returns how many spectators, or players, there are as planned.
func (p *planner) count(spectators bool) (n int) {
	for _, s := range p.seats {
		if s.who.Spectator == spectators {
			n++
		}
	}
	return n
}

// applied tells the sink what became of the record's newcomers, and forgets whom the core removed.
func (p *planner) applied() {
	p.roster = p.roster || p.core.moved
	for _, r := range p.core.removed {
		for _, s := range p.seats {
			if s.number == r.Player && s.link != nil {
				p.out.Gone(s.link, GoneRemoved, r.Why)
			}
		}
		p.forget(r.Player)
	}
	for _, s := range p.joined {
		c := p.core.find(s.number)
		if c == nil || s.link == nil {
			continue
		}
		p.out.Joined(s.link, Seat{
			Player: c.seat(), ID: s.id, Generation: s.issued,
			Sample: s.samples.ack, Command: c.command, Message: c.out.next - uint32(c.out.n), Tick: p.core.tick,
		})
	}
	p.joined = p.joined[:0]
}
