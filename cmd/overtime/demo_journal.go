package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
)

// readTenures reads all recordings of a node.
func readTenures(node, dir string) (list []tenure, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.otj"))
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		t, err := readTenure(node, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if t != nil {
			list = append(list, *t)
		}
	}
	return list, nil
}

// readTenure reads one recording and plays it again; nil for one that does not even have its header.
func readTenure(node, name string) (*tenure, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := journal.NewReader(f)
	var torn *journal.TornError
	if errors.As(err, &torn) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	h := r.Header()
	all := games()
	i := slices.IndexFunc(all, func(g game.Def) bool { return g.Name == h.Game })
	if i < 0 {
		return nil, fmt.Errorf("game %s", h.Game)
	}
	core, err := loop.NewCore(all[i], h)
	if err != nil {
		return nil, err
	}
	p := player{core: core, rows: game.NewRows(loop.Kinds(all[i])), ackKind: uint8(len(all[i].Kinds) + 1)}
	p.t = tenure{node: node, match: h.Match, epoch: h.Epoch}
	for err == nil {
		err = p.next(r)
	}
	if p.t.whole = errors.Is(err, io.EOF) && !errors.As(err, &torn); !p.t.whole && !errors.As(err, &torn) {
		return nil, err
	}
	return &p.t, nil
}

// player plays a recording again.
type player struct {
	t       tenure
	core    *loop.Core
	rows    *game.Rows
	ackKind uint8
}

// next takes one block.
func (p *player) next(r *journal.Reader) error {
	e, err := r.Next()
	if err != nil {
		return err
	}
	switch e.Kind {
	case journal.KindCheckpoint:
		if len(p.t.ticks) > 0 || p.t.base.tick > 0 {
			return nil // replay compares every tick, which is more
		}
		if err := p.core.Load(e.State); err != nil {
			return err
		}
		p.t.base = p.moment(p.core.Hash())
	case journal.KindRecord:
		err := p.core.Replay([]journal.Record{*e.Record})
		var other *loop.DivergedError
		switch {
		case errors.As(err, &other):
			p.t.differs++
		case err != nil:
			return err
		}
		m := p.moment(e.Record.Hash)
		for _, in := range e.Record.Inputs {
			for _, s := range in.Samples {
				m.applied = append(m.applied, applied{in.Player, s.Seq})
			}
		}
		p.t.ticks = append(p.t.ticks, m)
	}
	return nil
}

// moment is the state as it is now.
func (p *player) moment(hash uint64) moment {
	m := moment{tick: p.core.Tick(), round: p.core.Round(), hash: hash}
	p.core.Rows(p.rows)
	for _, row := range p.rows.All() {
		if row.Kind != p.ackKind {
			continue
		}
		v := p.rows.Values(row)
		number, _ := row.Channel.IsOwn()
		m.players = append(m.players, standing{player: number, ack: uint32(v[0]), answers: uint32(v[1]) + uint32(v[2]) + uint32(v[3]) + uint32(v[4])})
	}
	for _, s := range p.core.Scores() {
		for i := range m.players {
			if m.players[i].player == s.Player {
				m.players[i].points = s.Points
			}
		}
	}
	return m
}
