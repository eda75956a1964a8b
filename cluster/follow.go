package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/guard"
	"github.com/overtime-server/overtime/cluster/place"
	"github.com/overtime-server/overtime/cluster/replica"
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode"
)

// matchMeta is what a node knows of its match besides the state: it goes to the standby with the journal.
type matchMeta struct {
	Spec admin.MatchSpec `json:"spec"` // that it was made from
}

func (m *matchMeta) encode() []byte {
	b, _ := json.Marshal(m) // it was decoded, so it encodes
	return b
}

// startFollowing begins to take the journal of a tenure. A copy of an earlier one is kept: the owner finds out whether it is of use.
func (d *duty) startFollowing(tenure uint32) {
	d.tenure = tenure
	d.finished = false // it had been given up here, and went on
	d.idle.Store(false)
	if d.standby != nil {
		return
	}
	var err error
	d.copies.Store(true)
	d.standby, err = replica.NewStandby(replica.StandbyConfig{Match: d.match, Game: d.node.rules, Stats: &d.node.duties.replicas})
	if err != nil {
		d.node.cfg.Log.Error("standby", "match", d.match, "err", err)
	}
}

// rules finds the rules for a match of another node: of the version that it has, or another one that loads its states.
func (n *Node) rules(name string, version uint32) (game.Def, bool) {
	for _, g := range n.cfg.Games {
		if g.Name == name && g.CanLoad(version) {
			return g, true
		}
	}
	return game.Def{}, false
}

// dropCopy throws the copy away.
func (d *duty) dropCopy() {
	d.standby = nil
	d.copies.Store(false)
}

// follow takes journal.
func (d *duty) follow(from string, m *replica.Message) {
	if d.standby == nil || !d.guard.Take(from, d.tenure) {
		return
	}
	if m.Kind == replica.KindBegin {
		var meta matchMeta // a new one: a match that this node hands out shares what it was made from
		if json.Unmarshal(m.Config, &meta) != nil {
			d.node.duties.malformed.Add(1)
			return
		}
		d.meta = meta
	} else {
		d.stepped = time.Now()
	}
	answer, err := d.standby.Receive(d.buf[:0], m)
	d.answer(from, answer, err)
}

// swap takes a whole state.
func (d *duty) swap(from string, s *replica.Snapshot) {
	if d.standby == nil || !d.guard.Take(from, d.tenure) {
		return
	}
	answer, err := d.standby.Swap(d.buf[:0], s)
	d.answer(from, answer, err)
}

// answer sends a follower's answer and tells the guard what it holds.
func (d *duty) answer(to string, msg []byte, err error) {
	d.logDivergence(err)
	if len(msg) > 0 {
		d.buf = msg
		_ = d.node.links.Send(to, kindReplica, msg) // what is lost shows with the next tick
	}
	if p := d.standby.Position(); p.Loaded {
		d.guard.Held(d.now(), p.Since, p.Tick, p.Hash)
	}
}

// logDivergence says once that a game's ticks are not the same on two nodes. Other errors are usual, and counted where they arise.
func (d *duty) logDivergence(err error) {
	var diverged *loop.DivergedError
	switch {
	case errors.As(err, &diverged):
		d.node.cfg.Log.Warn("the rules gave another state on the standby: state differences from now on", "match", d.match, "err", err)
	case errors.Is(err, replica.ErrRules):
		d.node.cfg.Log.Error("standby", "match", d.match, "err", err)
	case errors.Is(err, replica.ErrGame), errors.Is(err, replica.ErrRefused): // usual while the nodes of a cluster are updated
		d.node.cfg.Log.Warn("standby", "match", d.match, "err", err)
	}
}

// promote makes a running match of the copy.
func (d *duty) promote(r guard.Record) (*hosted, error) {
	if d.standby == nil {
		return nil, errors.New("no copy")
	}
	was := d.standby.Version()
	core, over, err := d.standby.Promote()
	if err != nil {
		return nil, err
	}
	d.dropCopy()
	def, ok := d.node.rules(over.Header.Game, over.Header.Version)
	if !ok {
		return nil, replica.ErrGame
	}
	if err := d.newSource(over.Header, d.guard.List(), def.Exact, &over); err != nil {
		return nil, err
	}
	h, err := d.node.adopt(d, def, r.Since, core)
	if err != nil {
		d.source = nil
		return nil, err
	}
	if was != def.Version {
		d.node.cfg.Log.Info("match goes on under other rules", "match", d.match, "game", def.Name, "version", def.Version, "was", was)
	}
	d.source.Bind(h.match.Snapshot)
	return h, nil
}

// adopt goes on with a match of another node.
func (n *Node) adopt(d *duty, def game.Def, epoch uint32, core *loop.Core) (h *hosted, err error) {
	out := &recorder{duty: d, ready: make(chan struct{})}
	out.begin(d.source)
	cfg := loop.Config{
		ID: d.match, Epoch: epoch, Game: def, SeatHold: n.cfg.SeatHold, Empty: n.cfg.EmptyAfter, Stats: n.stats[def.Name], Log: n.cfg.Log,
		Replica: out, LastTick: d.stepped,
	}
	file, err := openJournal(n.cfg.Record, d.match, epoch)
	if err != nil {
		n.cfg.Log.Error("recording", "match", d.match, "err", err) // better unrecorded than lost
	} else if file != nil {
		cfg.Record = file
	}
	n.placing.Lock()
	delete(n.reserved, d.match)
	n.placing.Unlock()
	m, err := n.edge.Continue(cfg, core)
	for try := 0; errors.Is(err, netcode.ErrExists) && try < 50; try++ { // an earlier tenure of this node is on its way out
		time.Sleep(time.Millisecond)
		m, err = n.edge.Continue(cfg, core)
	}
	if err != nil {
		dropJournal(file)
		return nil, err
	}
	return n.registered(m, d.meta.Spec, d), nil
}

// askStandby asks nodes whether they can stand by for a match of this node.
func (n *Node) askStandby(match string, asks []place.Ask) []place.Reservation {
	what := askReserve{Match: match}
	h := n.matches.get(match)
	if h != nil {
		what = h.rules()
	}
	replies, unfit := n.askStand(what, asks)
	if h != nil && h.duty != nil {
		h.duty.unfit.Store(unfit > 0)
	}
	return replies
}

// askWitness asks nodes whether they take part in a match. A witness needs no rules.
func (n *Node) askWitness(match string, asks []place.Ask) []place.Reservation {
	replies, _ := n.askStand(askReserve{Match: match}, asks)
	return replies
}

// askStand asks nodes at once for room for a copy of a match, and says how many have not got the rules.
func (n *Node) askStand(what askReserve, asks []place.Ask) ([]place.Reservation, int32) {
	return n.askRoom(n.life, "stand", what, asks)
}

// giveStand says how many matches this node stands by for, or keeps room for one more.
func (n *Node) giveStand(_ context.Context, _ string, in askReserve) (got gotReserve, err error) {
	s := &n.duties
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, at := range s.held {
		if time.Since(at) > reserveFor || s.all[id] != nil && s.all[id].copies.Load() {
			delete(s.held, id)
		}
	}
	load := len(s.held)
	for _, d := range s.all {
		if d.copies.Load() {
			load++
		}
	}
	extra, unfit := n.suits(in)
	got.Load = float64(load) + extra
	switch {
	case unfit:
		got.Status, got.Unfit = place.Refused, true
	case n.closing.Load(), in.Move && !n.coming.expect(in.Match, n.closing.Load):
		got.Status = place.Refused
	case in.Hold && got.Load > in.Limit:
		got.Status = place.Risen
	case in.Hold:
		got.Status = place.Held
		s.held[in.Match] = time.Now()
	}
	return got, nil
}
