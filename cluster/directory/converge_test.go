package directory

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The cluster under test writes as real nodes do: an owner creates, changes and ends, a standby takes over in the next
// epoch, two nodes create the same match. Messages reach anybody in any order, several times or never.
func TestRepairMakesCopiesEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := nodes(rapid.IntRange(2, 5).Draw(t, "nodes"))
		var sent [][]Record
		for step := range rapid.IntRange(1, 40).Draw(t, "steps") {
			d := all[rapid.IntRange(0, len(all)-1).Draw(t, "node")]
			match := fmt.Sprint("m", rapid.IntRange(1, 5).Draw(t, "match"))
			before := map[*Directory][]Record{}
			for _, x := range all {
				before[x] = contents(x)
			}
			if rapid.Bool().Draw(t, "write") {
				sent = append(sent, write(t, d, match))
			} else if len(sent) > 0 {
				d.Apply(at(float64(step)*0.1), onWire(t, rapid.SampledFrom(sent).Draw(t, "message")))
			}
			for _, x := range all {
				mustNotFall(t, x, before[x])
				mustBeSound(t, x)
			}
		}
		repair(t, at(5), all)
		mustAgree(t, all)
		for _, d := range all {
			if owners, _ := d.Diff(all[0].Digest()); len(owners) > 0 {
				t.Fatalf("%v still differ", owners)
			}
		}
	})
}

// write does what a real node might do with a match at this moment and returns the message that it spreads.
func write(t *rapid.T, d *Directory, match string) []Record {
	cur, ok := d.Get(match)
	next := Record{Match: match, Epoch: max(cur.Epoch, 1), Since: cur.Since, Standby: rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "standby")}
	switch {
	case !ok:
	case cur.Owner == d.self && cur.Live():
		if rapid.Bool().Draw(t, "end") {
			next.State = Ended
		} else if rapid.Bool().Draw(t, "epoch") {
			next.Epoch++
		}
	default: // takes over, or makes it anew
		next.Epoch++
		next.Since = next.Epoch
	}
	got := d.Put(at(0), next)
	if got.Owner != d.self || got.Seq <= cur.Seq {
		t.Fatalf("put %+v over %+v gave %+v", next, cur, got)
	}
	return []Record{got}
}

// mustNotFall checks that no epoch is lower than before, nor, but for a conflict, a sequence within an epoch.
func mustNotFall(t *rapid.T, d *Directory, before []Record) {
	for _, old := range before {
		r, ok := d.Get(old.Match)
		if !ok || r.Epoch < old.Epoch || r.Epoch == old.Epoch && r.Owner == old.Owner && r.Seq < old.Seq {
			t.Fatalf("%s went from %+v to %+v", d.self, old, r)
		}
	}
}

// Records of any kind, also such that no honest node writes, end the same in all copies of nodes that own none of them.
func TestApplyDoesNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		recs := rapid.SliceOfN(rapid.Custom(drawRecord), 1, 12).Draw(t, "records")
		x, y := New("x"), New("y")
		for _, d := range []*Directory{x, y} {
			for i := range 3 {
				d.Alive(name(i))
			}
		}
		x.Apply(at(0), recs)
		for _, r := range rapid.Permutation(append(slices.Clone(recs), recs...)).Draw(t, "permuted") {
			y.Apply(at(0), []Record{r})
		}
		mustAgree(t, []*Directory{x, y})
		mustBeSound(t, x)
		mustBeSound(t, y)
	})
}

// A node that knows nothing takes everything and deletes nothing, whoever pulls first.
func TestEmptyNodeDeletesNothing(t *testing.T) {
	all := nodes(2)
	for i := range 10 {
		all[0].Put(at(0), Record{Match: fmt.Sprint("m", i), Epoch: 1})
	}
	want := contents(all[0])
	fresh := New("z")
	fresh.Alive("a")
	pull(t, at(1), all[0], fresh)
	if got := contents(all[0]); !slices.Equal(got, want) {
		t.Fatalf("an empty digest changed %v to %v", want, got)
	}
	pull(t, at(1), fresh, all[0])
	pull(t, at(1), all[0], fresh)
	if got := contents(fresh); !slices.Equal(got, want) {
		t.Fatalf("an empty node pulled %v of %v", got, want)
	}
}

func TestConflictIsResolvedAlike(t *testing.T) {
	all := nodes(3)
	a, b, c := all[0], all[1], all[2]
	b.Put(at(0), Record{Match: "m", Epoch: 1})
	rb := b.Put(at(0), Record{Match: "m", Epoch: 1, Standby: "c"})
	ra := a.Put(at(0), Record{Match: "m", Epoch: 1})
	c.Apply(at(1), []Record{rb})
	if _, lost := a.Apply(at(1), []Record{rb}); len(lost) > 0 {
		t.Fatalf("a lost %v to a greater id", lost)
	}
	if _, lost := b.Apply(at(1), []Record{ra}); len(lost) != 1 || lost[0] != ra {
		t.Fatalf("b learned %v, want %v", lost, ra)
	}
	if _, lost := b.Apply(at(1), []Record{ra}); len(lost) > 0 {
		t.Fatalf("b learned it twice: %v", lost)
	}
	c.Apply(at(1), []Record{ra})
	mustAgree(t, all)
	mustBe(t, c, "m", "a 1 running")
	if c.Stats().Conflicts != 1 || b.Stats().Conflicts != 1 {
		t.Fatalf("conflicts counted: %+v %+v", b.Stats(), c.Stats())
	}
	if got := b.Put(at(2), Record{Match: "m", Epoch: 1}); got.Owner != "a" {
		t.Fatalf("b wrote over a's record: %+v", got)
	}
}

func TestSinceIsTheTenure(t *testing.T) {
	all := nodes(2)
	a, b := all[0], all[1]
	put := func(d *Directory, epoch uint32, state State, want uint32) {
		t.Helper()
		if got := d.Put(at(0), Record{Match: "m", Epoch: epoch, State: state}); got.Since != want || got.Epoch != epoch {
			t.Fatalf("put of epoch %d gave %+v, want since %d", epoch, got, want)
		}
	}
	put(a, 1, Running, 1)
	put(a, 2, Running, 1)
	pull(t, at(0), b, a)
	put(b, 3, Running, 3)
	put(b, 4, Running, 3)
	put(b, 4, Ended, 3)
	put(b, 5, Running, 5) // another match under the same id
}
