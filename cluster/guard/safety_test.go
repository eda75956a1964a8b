package guard

import (
	"flag"
	"slices"
	"testing"
	"time"
)

var big = flag.Bool("big", false, "explore the large models too: about ten minutes and 3 GB")

// explore runs a model to its end and checks that it got around.
func explore(t *testing.T, o modelOptions, paths ...string) {
	t.Helper()
	if raceOn {
		o.max, paths = 20_000, nil
	}
	m := newModel(o)
	start := time.Now()
	bad := m.run()
	t.Logf("%d states of the world, %d of a node, %d steps of a guard, %d sets of messages, %v", len(m.worlds), len(m.nodes), len(m.steps),
		len(m.sets), time.Since(start))
	if bad != "" {
		t.Fatal(bad)
	}
	if len(m.worlds) >= m.opt.max {
		t.Logf("NOT COMPLETE: the %d states that are nearest to the first", len(m.worlds))
	}
	var got []string
	for p := range m.changes {
		got = append(got, p)
	}
	slices.Sort(got)
	t.Logf("%d sequences of changes end with an answered input: %q", len(got), got)
	for _, p := range paths {
		if m.changes[p] == 0 {
			t.Errorf("no state in which players are answered after %q", p)
		}
	}
}

var everyChange = []string{" promote", " alone", " same", " standby", " witness", " move", " hand-over"}

// The quick models: every single change with two ballots and with three, chains with one ballot a vote.
func TestModel(t *testing.T) {
	one := everyChange
	t.Run("one change", func(t *testing.T) {
		explore(t, modelOptions{nodes: 4, epochs: 1, inputs: 2, ballots: 2, plans: 1, progress: 20}, slices.DeleteFunc(slices.Clone(one), func(s string) bool { return s == " same" })...)
	})
	t.Run("one change, silence", func(t *testing.T) {
		explore(t, modelOptions{nodes: 4, epochs: 1, inputs: 1, ballots: 2, plans: 1, silence: true, progress: 20}, one...)
	})
	t.Run("one change, 3 ballots", func(t *testing.T) {
		explore(t, modelOptions{nodes: 4, epochs: 1, inputs: 1, ballots: 3, progress: 20}, " promote", " alone")
	})
	t.Run("lost copies", func(t *testing.T) {
		explore(t, modelOptions{nodes: 4, epochs: 1, inputs: 1, ballots: 2, plans: 1, slow: true, drops: true}, " promote")
	})
	t.Run("two changes", func(t *testing.T) {
		explore(t, modelOptions{nodes: 4, epochs: 2, inputs: 2, ballots: 1, plans: 1, progress: 20}, " promote adopt")
	})
	t.Run("three changes", func(t *testing.T) {
		explore(t, modelOptions{nodes: 4, epochs: 3, inputs: 1, ballots: 1, plans: 1, progress: 20}, " promote adopt promote")
	})
}

func TestBigModel(t *testing.T) {
	if !*big {
		t.Skip("the large models need -big")
	}
	for _, o := range []modelOptions{
		{name: "one change, 3 ballots", nodes: 4, epochs: 1, inputs: 1, ballots: 3, plans: 1, progress: 50},
		{name: "one change, 4 ballots", nodes: 3, epochs: 1, inputs: 1, ballots: 4, progress: 50},
		{name: "one change, lost copies", nodes: 4, epochs: 1, inputs: 2, ballots: 2, plans: 1, slow: true, drops: true},
		{name: "two changes", nodes: 4, epochs: 2, inputs: 1, ballots: 2, plans: 1, progress: 50},
		{name: "two changes, two plans", nodes: 4, epochs: 2, inputs: 1, ballots: 2, plans: 2, calm: true, progress: 50},
		{name: "three changes", nodes: 4, epochs: 3, inputs: 3, ballots: 1, plans: 1, progress: 50},
		{name: "five changes", nodes: 4, epochs: 5, inputs: 1, ballots: 1, plans: 1, progress: 50},
	} {
		o.max = 12_000_000
		t.Run(o.name, func(t *testing.T) { explore(t, o) })
	}
}
