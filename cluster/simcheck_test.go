package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/overtime-server/overtime/cluster/directory"
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/schema"
)

// tellWithin is after how long players of lost matches have been told. Nodes that saw as many others die as are left say nothing before they have
// forgotten those, after a minute: they may be cut off, and the matches may go on elsewhere. Membership notices deaths some seconds late, and a
// player asks every few seconds.
const tellWithin = 80 * time.Second

// checkHistories compares everything that players saw with the one history of each match that stands in the end.
func (w *simWorld) checkHistories() {
	for _, s := range w.book.torn {
		w.fail("%s", s)
	}
	for _, m := range w.matches {
		w.checkHistory(m)
	}
}

func (w *simWorld) checkHistory(m *simMatch) {
	var last seen
	owners, shown := map[uint32]string{}, map[uint32]uint32{} // by epoch; last tick
	for _, p := range m.players {
		p.mu.Lock()
		for _, s := range p.wrong {
			w.fail("%s", s)
		}
		for _, f := range p.frames {
			if f.whole && (f.epoch > last.epoch || f.epoch == last.epoch && f.tick > last.tick) {
				last = f
			}
			if o := owners[f.epoch]; o != "" && o != f.node {
				w.fail("match %s: %s and %s showed frames in epoch %d", m.id, o, f.node, f.epoch)
			}
			owners[f.epoch] = f.node
			shown[f.epoch] = max(shown[f.epoch], f.tick)
		}
		p.mu.Unlock()
	}
	if last.tick == 0 {
		return // nobody saw anything
	}
	epoch := slices.Max(slices.Collect(maps.Keys(shown)))
	top := shown[epoch]
	if m.asked { // the rules do not step in the tick in which an operator ends a match
		top--
	}
	steps, states, err := w.book.history(m.seed, w.book.onward(last.chain, top, owners[epoch]))
	if err != nil {
		w.fail("match %s: %v", m.id, err)
		return
	}
	samples, commands, wrong := checkInputs(steps)
	for _, s := range wrong {
		w.fail("match %s: %s", m.id, s)
	}
	for _, p := range m.players {
		w.checkPlayer(m, p, states, samples, commands)
	}
}

func (w *simWorld) checkPlayer(m *simMatch, p *simPlayer, states map[uint32]uint64, samples, commands map[uint32]int) {
	st := p.client.Stats()
	p.mu.Lock()
	defer p.mu.Unlock()
	spare := uint64(0) // the tick in which an operator ends a match takes samples in, but the rules do not step
	if m.asked {
		spare = game.MaxInputsTick
	}
	for _, f := range p.frames {
		if !f.whole {
			continue
		}
		if m.asked && states[f.tick] == 0 && states[f.tick-1] == f.chain {
			continue
		}
		if states[f.tick] != f.chain {
			w.fail("match %s: player %s saw tick %d (epoch %d of %s, at %.3fs) as %x, in the end it was %x", m.id, p.id, f.tick, f.epoch, f.node,
				f.at.Sub(w.start).Seconds(), f.chain, states[f.tick])
			break
		}
	}
	if st.HashMismatches+st.DecodeErrors > 0 {
		w.fail("match %s: player %s counted %d wrong hashes and %d malformed messages", m.id, p.id, st.HashMismatches, st.DecodeErrors)
	}
	if lost := len(w.hosts(m)) == 0; commands[p.number] > p.given || p.replies > commands[p.number] && !lost { // its last words may have come after its last frame
		w.fail("match %s (on %d nodes): player %s gave %d commands, %d are in the match, %d were answered; last frame %+v, all saw up to %d", m.id,
			len(w.hosts(m)), p.id, p.given, commands[p.number], p.replies, p.frames[len(p.frames)-1], len(states))
	}
	if st.Applied > uint64(samples[p.number])+spare {
		w.fail("match %s: player %s was told of %d samples applied, %d are in the match", m.id, p.id, st.Applied, samples[p.number])
	}
}

// checkPlaying says who does not play although the match goes on: every player sees frames, and what he gave a while ago was answered.
// With strict false a player may have been told by a node that did not know better that the match is over, or that his hello, which was
// lost again and again, is missing.
func (w *simWorld) checkPlaying(m *simMatch, strict bool) {
	now := time.Now()
	for _, p := range m.players {
		if over, err := p.over(); over {
			var closed *client.CloseError
			if !strict && errors.As(err, &closed) && (closed.Code == schema.CloseMatchOver || closed.Reason == "no hello") {
				w.misled++
				continue
			}
			w.fail("match %s: player %s ended: %v", m.id, p.id, err)
			continue
		}
		f, ok := p.last()
		if !ok || now.Sub(f.at) > time.Second {
			w.fail("match %s: player %s saw the last frame %v ago (tick %d, epoch %d of %s)", m.id, p.id, now.Sub(f.at), f.tick, f.epoch, f.node)
			continue
		}
		p.mu.Lock()
		old := 0
		for _, at := range p.givenAt {
			if now.Sub(at) > 5*time.Second {
				old++
			}
		}
		if p.replies < old {
			w.fail("match %s: player %s gave %d commands, %d were answered", m.id, p.id, old, p.replies)
		}
		p.mu.Unlock()
	}
}

// hosts returns the nodes on which a match runs.
func (w *simWorld) hosts(m *simMatch) (list []*simNode) {
	for _, n := range w.alive() {
		if n.Node.matches.get(m.id) != nil {
			list = append(list, n)
		}
	}
	return list
}

// protected says why a match is not protected; nil if it is.
func (w *simWorld) protected(m *simMatch) error {
	hosts := w.hosts(m)
	if len(hosts) != 1 {
		return fmt.Errorf("match %s runs on %d nodes", m.id, len(hosts))
	}
	d := hosts[0].Node.matches.get(m.id).duty
	r := d.shown.Load()
	if r == nil || !r.Protected {
		return fmt.Errorf("match %s on %s is not protected: %+v", m.id, hosts[0].name, r)
	}
	for _, id := range []string{r.Standby, r.Witness} {
		if n := w.byID(id); id != "" && (n == nil || n.dead || n.stopped) { // two nodes are protected without a witness, if the setting says so
			return fmt.Errorf("match %s on %s relies on a node that is gone: %+v", m.id, hosts[0].name, r)
		}
	}
	return nil
}

// dump shows what all nodes believe about a match, for whoever looks for a bug.
func (w *simWorld) dump(m *simMatch) (text string) {
	for _, n := range w.alive() {
		if d := n.duties.get([]byte(m.id)); d != nil {
			text += fmt.Sprintf("\n%s %s: seeking %v, finished %v, host %v, source %v, standby %v, guard %+v", n.name, n.id, d.seeking, d.finished,
				d.host != nil, d.source != nil, d.standby != nil, d.guard)
		}
	}
	return text
}

// dumpAll is dump of the matches that are not protected.
func (w *simWorld) dumpAll() (text string) {
	for _, m := range w.matches {
		if w.protected(m) != nil {
			text += w.dump(m)
		}
	}
	return text
}

// allProtected is protected for all matches.
func (w *simWorld) allProtected() error {
	for _, m := range w.matches {
		if err := w.protected(m); err != nil {
			return err
		}
	}
	return nil
}

// checkCalm checks what must hold half a minute after the last fault. Matches may be lost if strict is false; then nobody serves them
// and everybody says so.
func (w *simWorld) checkCalm(strict bool) (lost int) {
	if err := w.agree(); err != nil {
		w.fail("%v", err)
	}
	for _, m := range w.matches {
		w.checkRecords(m)
		if hosts := w.hosts(m); len(hosts) == 0 && !strict {
			lost++
			w.checkLost(m)
			continue
		}
		if err := w.protected(m); err != nil && len(w.alive()) >= 3 {
			w.fail("%v%s", err, w.dump(m))
		}
		w.checkPlaying(m, strict)
	}
	return lost
}

// checkRecords compares the records of a match on all nodes.
func (w *simWorld) checkRecords(m *simMatch) {
	var first directory.Record
	for i, n := range w.alive() {
		r, ok := n.dir.Get(m.id)
		if r.Age = 0; !ok || !r.Live() {
			r = directory.Record{} // its tombstone goes at some time
		}
		if i == 0 {
			first = r
		} else if r != first {
			w.fail("match %s: %s has record %+v, %s has %+v", m.id, w.alive()[0].name, first, n.name, r)
		}
		if r.Match == "" {
			continue
		}
		for _, id := range []string{r.Owner, r.Standby, r.Witness} {
			if x := w.byID(id); id != "" && (x == nil || x.dead || x.stopped) {
				w.fail("match %s: the record of %s names a node that is gone: %+v", m.id, n.name, r)
			}
		}
		if hosts := w.hosts(m); len(hosts) != 1 || hosts[0].id != r.Owner {
			w.fail("match %s: the record of %s names %s, it runs on %d nodes", m.id, n.name, r.Owner, len(hosts))
		}
	}
}

// checkLost: the players of a lost match were told, unless it may still go on elsewhere as far as those who are left can know.
func (w *simWorld) checkLost(m *simMatch) {
	doubting := w.doubting()
	for _, p := range m.players {
		over, err := p.over()
		var closed *client.CloseError
		switch {
		case over && errors.As(err, &closed):
		case !over && 2*doubting > len(w.alive())-1:
			w.waiting++
		default:
			w.fail("match %s is lost, player %s was not told: %v %v; %+v%s", m.id, p.id, over, err, p.client.Stats(), w.beliefs(m))
		}
	}
}

// doubting counts the nodes that see no more than half of those that were there, nor as many others in their places. They cannot tell that the rest
// is dead from that it is out of reach.
func (w *simWorld) doubting() (count int) {
	for _, n := range w.alive() {
		n.mu.Lock()
		if n.doubt.small(living(n.view)) {
			count++
		}
		n.mu.Unlock()
	}
	return count
}

// beliefs shows what each node would tell a player of a match, and why, for whoever looks for a bug.
func (w *simWorld) beliefs(m *simMatch) (text string) {
	for _, n := range w.alive() {
		r, known := n.dir.Get(m.id)
		got, err := n.find(context.Background(), m.id)
		n.mu.Lock()
		were, here := slices.Sorted(maps.Keys(n.doubt.were)), living(n.view)
		n.mu.Unlock()
		text += fmt.Sprintf("\n%s %s: record %v %+v, finds %+v %v, unsure %v, cut short %v, sees %v of %v", n.name, n.id, known, r, got, err,
			n.unsure(), n.cutShort(), here, were)
	}
	return text
}
