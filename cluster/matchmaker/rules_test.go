package matchmaker

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const goodRules = `{
  "queues": {
    "ranked": {
      "game": "arena", "size": 16, "teams": 2,
      "min_players": 8, "short_after": "20s",
      "skill": {"start": 100, "per_second": 20, "max": 800, "steps": [{"after": "30s", "value": 500}]},
      "latency_ms": {"start": 60, "per_second": 5, "max": 200}, "regions": ["eu", "us"],
      "equal": ["mode"], "backfill": false, "timeout": "2m"
    },
    "*": {"layout": [1, 4], "skill": "any"}
  }
}`

func TestParseRules(t *testing.T) {
	r, err := ParseRules([]byte(goodRules))
	must(t, err)
	want := QueueRules{Game: "arena", Size: 16, Teams: 2, MinPlayers: 8, ShortAfter: 20 * time.Second,
		Skill:   Window{Start: 100, PerSecond: 20, Max: 800, Steps: []Step{{30 * time.Second, 500}}},
		Latency: Window{Start: 60, PerSecond: 5, Max: 200}, Regions: []string{"eu", "us"}, Equal: []string{"mode"}, Timeout: 2 * time.Minute}
	if got := r.For("ranked"); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if other := r.For("else"); !other.Skill.Any || len(other.Layout) != 2 || !other.Backfill {
		t.Errorf("%+v", other)
	}
	if got := (Rules{}).For("any"); !reflect.DeepEqual(got, DefaultRules()) || got.Validate() != nil {
		t.Errorf("%+v", got)
	}
}

// TestParseRulesNamesLines breaks the good file in one place each.
func TestParseRulesNamesLines(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"size": 16`, `"size": 15`, "line 4: queues.ranked.size: 15 is not 2 equal teams"},
		{`"size": 16`, `"size": 1.5`, "line 4: queues.ranked.size: must be a whole number"},
		{`"game"`, `"games"`, "line 4: queues.ranked.games: there is no such setting"},
		{`"min_players": 8`, `"min_players": 17`, "line 5: queues.ranked.min_players: 17 is more than the 16 of a full match"},
		{`"20s"`, `"20"`, "line 5: queues.ranked.short_after: must be a time"},
		{`"max": 800`, `"max": 80`, "line 6: queues.ranked.skill.max: 80 is less than start, 100"},
		{`"value": 500`, `"value": 50`, "line 6: queues.ranked.skill.steps"},
		{`"start": 60, `, ``, "line 7: queues.ranked.latency_ms: start is missing"},
		{`"us"]`, `"eu"]`, `line 7: queues.ranked.regions: "eu" is there twice`},
		{`"backfill": false`, `"backfill": 0`, "line 8: queues.ranked.backfill: must be true or false"},
		{`"timeout": "2m"`, `"timeout": "2m", "timeout": "3m"`, "line 8: timeout: is there twice"},
		{`"2m"`, `"2ms"`, "line 8: queues.ranked.timeout: 2ms is not in 1s to 24h"},
		{`"any"`, `"all"`, `line 10: queues.*.skill: must be an object or "any"`},
		{`[1, 4]`, `[1, 0]`, "line 10: queues.*.layout: a team of 0 is not in 1 to 255"},
		{`[1, 4]`, `[1, 4`, "line 10:"},
		{"  }\n}", "  }", "line 11: the file ends too early"},
	} {
		_, err := ParseRules([]byte(strings.Replace(goodRules, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s -> %s: %v", c.old, c.new, err)
		}
	}
	two := strings.Replace(strings.Replace(goodRules, `"size": 16`, `"size": "x"`, 1), `"any"`, `7`, 1)
	if _, err := ParseRules([]byte(two)); err == nil || strings.Count(err.Error(), "line ") != 2 {
		t.Errorf("not both errors: %v", err)
	}
}

// FuzzParseRules: whatever comes, it is rules that can be used, or errors with lines of the file.
func FuzzParseRules(f *testing.F) {
	f.Add([]byte(goodRules))
	f.Add([]byte(`{"queues":{"a":{"size":300}}}`))
	f.Add([]byte(`{"queues":[1,{]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRules(b)
		if err != nil {
			var le *LineError
			if errors.As(err, &le) && (le.Line < 1 || le.Line > 1+strings.Count(string(b), "\n")) {
				t.Fatalf("there is no such line: %v", err)
			}
			return
		}
		for name, q := range r.Queues {
			if err := q.Validate(); err != nil {
				t.Fatalf("queue %s: %v", name, err)
			}
		}
	})
}

// TestWindowNext: nothing widens before Next says so, and then it does.
func TestWindowNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := Window{Start: float64(rapid.IntRange(0, 50).Draw(t, "start")), PerSecond: float64(rapid.IntRange(0, 40).Draw(t, "per")) / 4}
		for i := range rapid.IntRange(0, 3).Draw(t, "steps") {
			w.Steps = append(w.Steps, Step{time.Duration(i*10+rapid.IntRange(1, 9).Draw(t, "after")) * time.Second / 2, w.Start + float64(i*40+rapid.IntRange(1, 39).Draw(t, "value"))})
		}
		if rapid.Bool().Draw(t, "bounded") {
			w.Max = w.Start + 200
		}
		if err := w.check("w"); err != nil {
			t.Fatal(err)
		}
		wait := time.Duration(rapid.IntRange(0, 60_000).Draw(t, "wait")) * time.Millisecond
		d, ok := w.Next(wait)
		if !ok {
			d = time.Hour
		}
		if w.At(wait+d-1) != w.At(wait) {
			t.Fatalf("%+v widens within %v of %v: %v to %v", w, d, wait, w.At(wait), w.At(wait+d-1))
		}
		if ok && w.At(wait+d) <= w.At(wait) {
			t.Fatalf("%+v does not widen %v after %v", w, d, wait)
		}
	})
}
