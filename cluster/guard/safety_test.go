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
		{name: "one change", nodes: 4, epochs: 1, inputs: 2, ballots: 2, plans: 1, progress: 10},
		{name: "one change, drops, slow", nodes: 4, epochs: 1, inputs: 2, ballots: 2, plans: 1, slow: true, drops: true},
		{name: "one change, silence", nodes: 4, epochs: 1, inputs: 1, ballots: 2, plans: 1, silence: true, progress: 10},
		{name: "one change, 3 ballots", nodes: 4, epochs: 1, inputs: 1, ballots: 3, plans: 1, progress: 10},
		{name: "one change, 4 ballots", nodes: 4, epochs: 1, inputs: 1, ballots: 4, plans: 1, only: newStandby, progress: 10},
		{name: "two changes", nodes: 4, epochs: 2, inputs: 2, ballots: 1, plans: 1, progress: 10},
		{name: "two changes, 2 ballots", nodes: 4, epochs: 2, inputs: 1, ballots: 2, plans: 1, progress: 10},
		{name: "two changes, 2 ballots, 2 plans", nodes: 4, epochs: 2, inputs: 1, ballots: 2, plans: 2, progress: 10},
		{name: "three changes", nodes: 4, epochs: 3, inputs: 3, ballots: 1, plans: 1, progress: 10},
		{name: "five changes", nodes: 4, epochs: 5, inputs: 1, ballots: 1, plans: 1, progress: 10},
	} {
		t.Run(o.name, func(t *testing.T) {
			o.max = 1_500_000
			m := explore(t, o)
			t.Log(m.changes)
		})
	}
}
