package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/directory"
	"github.com/overtime-server/overtime/cluster/guard"
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode"
)

// hostLocked starts a match and everything around it. The caller holds placing. Errors wrap those of package admin.
func (n *Node) hostLocked(def game.Def, in askCreate) (*hosted, error) {
	if n.stopping || n.closing.Load() {
		return nil, admin.ErrDraining
	}
	spec := in.Spec
	cfg := loop.Config{
		ID: in.Match, Game: def, Seed: randomSeed(), Hz: spec.TickHz, Seats: spec.Seats, Settings: spec.Settings,
		SeatHold: n.cfg.SeatHold, Empty: n.cfg.EmptyAfter, Stats: n.stats[def.Name], Log: n.cfg.Log,
	}
	if spec.Seed != nil {
		cfg.Seed = *spec.Seed
	}
	file, err := openJournal(n.cfg.Record, cfg.ID, 1)
	if err != nil {
		return nil, err
	}
	if file != nil { // a nil *os.File would be an io.Writer that is not nil
		cfg.Record = file
	}
	h, err := n.launch(cfg, in)
	if err != nil {
		dropJournal(file)
		return nil, creationError(err)
	}
	n.announce(directory.Record{Match: in.Match, Epoch: 1})
	if h.duty != nil {
		n.work.Go(h.duty.run)
	}
	return h, nil
}

// launch starts a match, with a guard where there can be other nodes.
func (n *Node) launch(cfg loop.Config, in askCreate) (*hosted, error) {
	if n.links == nil {
		m, err := n.edge.Create(cfg)
		if err != nil {
			return nil, err
		}
		return n.registered(m, in.Spec, nil), nil
	}
	d, err := n.protect(cfg.ID)
	if err != nil {
		return nil, err
	}
	out := &recorder{duty: d, ready: make(chan struct{})}
	cfg.Replica = out
	m, err := n.edge.Create(cfg)
	if err == nil {
		d.meta = matchMeta{in.Spec}
		if err = d.newSource(m.Header(), d.guard.List(), cfg.Game.Exact, nil); err != nil {
			m.Retire(loop.OverFailed, "no source")
		}
	}
	out.begin(d.source)
	if err != nil {
		n.duties.forget(d)
		return nil, err
	}
	d.source.Bind(m.Snapshot)
	d.host = n.registered(m, in.Spec, d)
	return d.host, nil
}

// registered makes a match known on this node, and waits for its end.
func (n *Node) registered(m *netcode.Match, spec admin.MatchSpec, d *duty) *hosted {
	h := &hosted{match: m, duty: d, labels: spec.Labels, open: spec.Labels[openLabel] == "true", gone: make(chan struct{}), sum: sum(spec)}
	n.matches.add(h)
	n.matches.watch(func() { n.watch(h) })
	return h
}

// creationError sorts what can go wrong with a match into what callers of the API can do about it.
func creationError(err error) error {
	switch {
	case errors.Is(err, netcode.ErrFull):
		return fmt.Errorf("%w: %w", admin.ErrFull, err)
	case errors.Is(err, netcode.ErrDraining):
		return fmt.Errorf("%w: %w", admin.ErrDraining, err)
	case errors.Is(err, game.ErrSettings), errors.Is(err, loop.ErrConfig):
		return fmt.Errorf("%w: %w", admin.ErrInvalid, err)
	}
	return err
}

// watch waits for the end of a match and keeps its result, unless it goes on elsewhere.
func (n *Node) watch(h *hosted) {
	<-h.match.Done()
	defer close(h.gone)
	if h.moved() || h.stopped() && n.elsewhere(h.match.ID()) {
		n.matches.drop(h)
		return
	}
	m := n.describe(h)
	m.Ended = time.Now().UTC().Round(time.Millisecond)
	was, again := n.matches.result(m.ID)
	if again = again && was.Tick >= m.Tick; again { // the node where it ended has told before it died
		m = was
		n.wills.drop(was.Owner, []string{m.ID})
	}
	n.matches.finish(h, m)
	if !again {
		n.results.add(m)
	}
	n.hook.add(m, n.entrust(m, h.sum[:], h.standby()))
	n.announceEnd(h) // only now: until then the standby ends the match itself if this node dies
	if h.duty != nil {
		h.duty.mail.put(letter{kind: letterOver})
	}
	n.cfg.Log.Info("match over", "match", m.ID, "game", m.Game, "outcome", m.Outcome, "tick", m.Tick, "rounds", m.Round)
}

// elsewhere says whether another node owns a match, as far as this one knows.
func (n *Node) elsewhere(match string) bool {
	r, ok := n.dir.Get(match)
	return ok && r.Live() && r.Owner != n.id
}

// standby is the node that goes on with a match if this one dies; "" if there is none.
func (h *hosted) standby() string {
	if h.duty == nil {
		return ""
	}
	if r := h.duty.shown.Load(); r != nil {
		return r.Standby
	}
	return ""
}

// describe shows a match as the API does.
func (n *Node) describe(h *hosted) admin.Match {
	i := h.match.Info()
	m := admin.Match{
		ID: i.ID, Game: i.Game, State: i.Phase.String(), Paused: i.Paused, Epoch: i.Epoch, Tick: i.Tick, TickHz: i.Hz, Round: i.Round,
		Seats: i.Seats, Players: i.Taken, Online: i.Online, Owner: n.id, Scores: i.Scores, Labels: h.labels,
		Started: i.Started.UTC().Round(time.Millisecond), Result: asJSON(i.Result),
	}
	if m.Scores == nil {
		m.Scores = []loop.PlayerScore{}
	}
	if i.Outcome != 0 {
		m.State, m.Outcome = loop.Ended.String(), i.Outcome.String()
	}
	if h.duty != nil {
		if r := h.duty.shown.Load(); r != nil {
			m.Standby, m.Witness, m.Protected, m.Unprotected = r.Standby, r.Witness, r.Protected, h.duty.why(r)
			if i := h.match.Header(); r.Need == guard.NeedStandby && h.duty.unfit.Load() {
				m.Unprotected = needText(r.Need) + fmt.Sprintf(": other nodes have not got the rules, %s version %d", i.Game, i.Version)
			}
		}
	}
	return m
}

// asJSON passes a game's result on as it is if it is JSON, as the convention says, else as a base64 string.
func asJSON(result []byte) json.RawMessage {
	if len(result) == 0 || json.Valid(result) {
		return result
	}
	b, _ := json.Marshal(result) // bytes always encode
	return b
}

// needText says why a match is not protected.
func needText(n guard.Need) string {
	switch n {
	case guard.NeedNothing:
		return ""
	case guard.NeedStandby:
		return "no standby"
	case guard.NeedCatchUp:
		return "the standby catches up"
	case guard.NeedWitness:
		return "no witness: two nodes cannot decide by themselves"
	case guard.NeedAnswer:
		return "the standby does not answer"
	}
	return "two of three nodes are lost"
}
