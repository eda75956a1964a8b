package replica

import "slices"

// Phase is what a Source does about a receiver.
type Phase uint8

// Phases of a receiver.
const (
	Down      Phase = iota // no link
	Greeted                // Begin was sent, or waits for room in the link; no answer yet
	Waiting                // needs a snapshot that is not made yet
	Loading                // a snapshot is on its way
	Streaming              // gets every tick
	Refused                // it cannot carry the match
)

// String returns the name that logs use.
func (p Phase) String() string {
	return [...]string{"down", "greeted", "waiting", "loading", "streaming", "refused"}[min(p, Refused)]
}

// Progress is how far a receiver is.
type Progress struct {
	Phase   Phase
	Acked   uint32 // last tick that it acknowledged in the Source's present epoch, hash compared; if InEpoch
	InEpoch bool   // it has acknowledged something in the present epoch
	Lag     uint32 // ticks between the last recorded and the last acknowledged in any epoch
}

// receiver is what a Source keeps about one node that gets the match. Few: a standby and a learner or two.
type receiver struct {
	peer    string
	phase   Phase
	greet   bool   // a Begin must be sent before anything else
	cursor  uint32 // while Streaming: last tick sent
	holds   bool   // held means something
	held    uint32 // last tick acknowledged, in any epoch
	inEpoch bool   // acked means something
	acked   uint32 // last tick acknowledged in the present epoch
	sent    bool   // snap means something
	snap    uint32 // tick of the last snapshot that it was sent
	retry   uint32 // no snapshot before this tick, after one failed
	heard   uint32 // tick at which it last answered, or at which something new that asks for an answer was sent
}

// maxReceivers bounds the receivers of one match.
const maxReceivers = 8

// needs returns the tick after which the tail must be kept for a receiver, if it counts on the tail.
func (r *receiver) needs() (tick uint32, ok bool) {
	switch {
	case r.phase == Waiting || r.phase == Refused:
		return 0, false
	case r.sent && (!r.holds || r.held < r.snap): // it may have loaded it
		return r.snap, true
	}
	return r.held, r.holds
}

// Add makes a peer a receiver, or says that the link to a receiver is up again: it gets a Begin, and answers with what it holds.
// False if there are too many receivers (8).
func (s *Source) Add(peer string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.receiver(peer)
	if r == nil {
		if len(s.receivers) == maxReceivers {
			return false
		}
		r = &receiver{peer: peer}
		s.receivers = append(s.receivers, r)
	}
	r.phase, r.greet, r.sent, r.retry, r.heard = Greeted, true, false, 0, s.tick
	s.pump(r)
	return true
}

// Down says that the link to a receiver broke: nothing is sent until the next Add. What it needs is kept within the bounds.
func (s *Source) Down(peer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.receiver(peer); r != nil {
		r.phase, r.greet = Down, false
	}
}

// Remove forgets a receiver.
func (s *Source) Remove(peer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.receivers = slices.DeleteFunc(s.receivers, func(r *receiver) bool { return r.peer == peer })
}

// BulkFailed says that the last snapshot did not reach a receiver. It gets another one, a second later at the earliest.
func (s *Source) BulkFailed(peer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.receiver(peer); r != nil && r.phase == Loading {
		r.phase, r.retry = Waiting, s.tick+uint32(s.cfg.Header.Hz)
	}
}

// Progress says how far a receiver is; ok is false for a peer that is none.
func (s *Source) Progress(peer string) (p Progress, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.receiver(peer)
	if r == nil {
		return Progress{}, false
	}
	p = Progress{Phase: r.phase, Acked: r.acked, InEpoch: r.inEpoch, Lag: s.tick}
	if r.holds {
		p.Lag = s.tick - min(s.tick, r.held)
	}
	return p, true
}

func (s *Source) pumpAll() {
	for _, r := range s.receivers {
		s.pump(r)
	}
}

// pump sends a receiver what there is for it, as far as the link takes it.
func (s *Source) pump(r *receiver) {
	s.patience(r)
	if r.greet {
		m := Message{Kind: KindBegin, Match: s.match, Epoch: s.epoch, Since: s.cfg.Since, Tick: s.tick, Hash: s.hash,
			Diff: s.inexact, Header: s.header, Config: s.config}
		if r.greet = !s.send(r, &m); r.greet {
			return
		}
		r.heard = s.tick
	}
	for r.phase == Streaming && r.cursor != s.end {
		e := s.tail.after(r.cursor)
		if e == nil {
			s.cfg.Stats.Overflow.Add(1)
			r.phase = Waiting
			break
		}
		m := Message{Kind: e.kind, Match: s.match, Epoch: s.epoch, From: e.from, Tick: e.tick, Before: e.before, Hash: e.hash, Body: e.body}
		if !s.send(r, &m) {
			return
		}
		s.cfg.Stats.Messages.Add(1)
		s.cfg.Stats.Bytes.Add(uint64(len(s.buf)))
		r.cursor = e.tick
	}
	if r.phase == Waiting {
		s.serve(r)
	}
}

// patience introduces the owner again to a receiver that has not answered for too long: a message may have been lost where a
// link was full. Seconds without an answer, by phase: 1 to a Begin, 10 to a snapshot, 2 to ticks.
func (s *Source) patience(r *receiver) {
	silent := (s.tick - r.heard) / uint32(s.cfg.Header.Hz)
	if r.phase == Greeted && silent >= 1 || r.phase == Loading && silent >= 10 || r.phase == Streaming && silent >= 2 && s.tick != r.held {
		r.phase, r.greet, r.heard = Greeted, true, s.tick
	}
}

func (s *Source) send(r *receiver, m *Message) bool {
	s.buf = m.Append(s.buf[:0])
	if !s.cfg.Out(r.peer, s.buf) {
		s.cfg.Stats.Blocked.Add(1)
		return false
	}
	return true
}

// serve sends a waiting receiver the last checkpoint if the tail goes on from it, and otherwise asks for a new one. The same
// one is not sent twice over the same link.
func (s *Source) serve(r *receiver) {
	switch {
	case s.tick < r.retry:
	case !s.save.ok || !s.joins(s.save.tick) || s.inexact && !s.based || r.sent && s.save.tick <= r.snap:
		s.ask()
	default:
		snap := Snapshot{Match: s.cfg.Match, Epoch: s.epoch, Since: s.cfg.Since, Tick: s.save.tick, Hash: s.save.hash,
			Diff: s.inexact, State: s.save.state}
		r.phase, r.sent, r.snap, r.retry, r.heard = Loading, true, s.save.tick, 0, s.tick
		s.cfg.Stats.Snapshots.Add(1)
		s.cfg.Bulk(r.peer, snap.Append(make([]byte, 0, snapshotRest+snapshotFixed+len(s.cfg.Match)+len(s.save.state))))
	}
}
