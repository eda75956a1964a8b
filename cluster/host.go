package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/directory"
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode"
)

// hostLocked starts a match and everything around it. The caller holds placing. Errors wrap those of package admin.
func (n *Node) hostLocked(def game.Def, in askCreate) (*hosted, error) {
	if n.stopping {
		return nil, admin.ErrDraining
	}
	spec := in.Spec
	cfg := loop.Config{
		ID: in.Match, Epoch: in.Epoch, Game: def, Seed: randomSeed(), Hz: spec.TickHz, Seats: spec.Seats, Settings: spec.Settings,
		SeatHold: n.cfg.SeatHold, Empty: n.cfg.EmptyAfter, Stats: n.stats[def.Name], Log: n.cfg.Log,
	}
	if spec.Seed != nil {
		cfg.Seed = *spec.Seed
	}
	file, err := openJournal(n.cfg.Record, cfg.ID)
	if err != nil {
		return nil, err
	}
	if file != nil { // a nil *os.File would be an io.Writer that is not nil
		cfg.Record = file
	}
	m, err := n.edge.Create(cfg)
	if err != nil {
		dropJournal(file)
		return nil, creationError(err)
	}
	h := &hosted{
		match: m, labels: spec.Labels, open: spec.Labels[openLabel] == "true", gone: make(chan struct{}), sum: sum(spec),
	}
	n.matches.add(h)
	n.announce(directory.Record{Match: in.Match, Epoch: in.Epoch, State: directory.Running})
	n.matches.watchers.Go(func() { n.watch(h) })
	return h, nil
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

// watch waits for the end of a match and keeps its result.
func (n *Node) watch(h *hosted) {
	<-h.match.Done()
	m := n.describe(h)
	n.matches.finish(h, m)
	n.results.add(m)
	n.announceEnd(h)
	close(h.gone)
	n.cfg.Log.Info("match over", "match", m.ID, "game", m.Game, "outcome", m.Outcome, "tick", m.Tick, "rounds", m.Round)
}

// describe shows a match as the API does.
func (n *Node) describe(h *hosted) admin.Match {
	i := h.match.Info()
	m := admin.Match{
		ID: i.ID, Game: i.Game, State: i.Phase.String(), Epoch: i.Epoch, Tick: i.Tick, TickHz: i.Hz, Round: i.Round,
		Seats: i.Seats, Players: i.Taken, Online: i.Online, Owner: n.id, Scores: i.Scores, Labels: h.labels,
		Started: i.Started.UTC().Round(time.Millisecond), Result: asJSON(i.Result),
	}
	if m.Scores == nil {
		m.Scores = []loop.PlayerScore{}
	}
	if i.Outcome != 0 {
		m.State, m.Outcome = loop.Ended.String(), i.Outcome.String()
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
