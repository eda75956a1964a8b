package member

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// Against a model that remembers everything: a number is new once, unless it is too old to tell.
func TestWindowTellsNewFromRepeated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w window
		seen, top := map[uint64]bool{}, uint64(0)
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			back := rapid.Uint64Range(0, 2*windowBits).Draw(t, "back")
			ahead := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(0, 2*windowBits)).Draw(t, "ahead")
			seq := top + ahead - min(back, top+ahead)
			want := seq > 0 && !seen[seq] && seq+windowBits > top
			if got := w.first(seq); got != want {
				t.Fatalf("%d with top %d: %v, want %v", seq, top, got, want)
			}
			if want {
				seen[seq], top = true, max(top, seq)
			}
		}
	})
	var w window
	if w.first(0) || w.first(1<<64-1) || w.first(noSequence) {
		t.Error("numbers that nobody counts to are taken")
	}
}

func TestOriginsAreBounded(t *testing.T) {
	o := origins{by: map[string]*origin{}}
	for i := range maxOrigins {
		if got := o.first(&envelope{kind: kindDirect, from: fmt.Sprint("n", i), seq: 1}); got != isNew {
			t.Fatalf("sender %d: %v", i, got)
		}
	}
	e := envelope{kind: kindDirect, from: "one more", seq: 1}
	if got := o.first(&e); got != isTooMany {
		t.Errorf("one more: %v", got)
	}
	o.keep(func(id string) bool { return id == "n5" })
	if got := o.first(&e); got != isNew || len(o.by) != 2 {
		t.Errorf("after forgetting: %v, %d senders", got, len(o.by))
	}
	if got := o.first(&envelope{kind: kindDirect, from: "n5", seq: 1}); got != isRepeated {
		t.Errorf("who was kept: %v", got)
	}
}

// Each kind counts for itself; of loads only newer ones count, of farewells the first.
func TestOriginsKinds(t *testing.T) {
	o := origins{by: map[string]*origin{}}
	for i, step := range []struct {
		kind byte
		seq  uint64
		want outcome
	}{
		{kindDirect, 5, isNew}, {kindGossip, 5, isNew}, {kindGossip, 4, isNew}, {kindGossip, 5, isRepeated},
		{kindLoad, 5, isNew}, {kindLoad, 4, isRepeated}, {kindLoad, 6, isNew}, {kindLoad, noSequence, isRepeated},
		{kindLeft, 0, isNew}, {kindLeft, 0, isRepeated},
	} {
		if got := o.first(&envelope{kind: step.kind, from: "n", seq: step.seq}); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}
