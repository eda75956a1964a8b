package guard

import (
	"testing"
	"time"
)

func explore(t *testing.T, o modelOptions) *model {
	t.Helper()
	m := newModel(o)
	start := time.Now()
	bad := m.run()
	t.Logf("%s: %d states, %d node states, %d steps of a guard, %d message sets, %v", o.name, len(m.worlds), len(m.nodes), len(m.steps), len(m.sets), time.Since(start))
	if bad != "" {
		t.Fatal(bad)
	}
	if len(m.worlds) >= m.opt.max {
		t.Fatal("too many states")
	}
	return m
}

func TestModel(t *testing.T) {
	for _, o := range []modelOptions{
		{name: "one change, 3 ballots", nodes: 5, epochs: 1, inputs: 1, ballots: 3, plans: 1},
		{name: "two changes, 2 ballots", nodes: 4, epochs: 2, inputs: 1, ballots: 2, plans: 1, max: 1_000_000},
	} {
		t.Run(o.name, func(t *testing.T) {
			m := explore(t, o)
			t.Log(m.changes)
		})
	}
}
