package directory

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Unix(1_800_000_000, 0)

func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

// nodes returns directories of the nodes a, b, c and so on, each of which knows that all are alive.
func nodes(n int) []*Directory {
	all := make([]*Directory, n)
	for i := range all {
		all[i] = New(name(i))
		for j := range n {
			all[i].Alive(name(j))
		}
	}
	return all
}

func name(i int) string { return string(rune('a' + i)) }

// pull makes to take what from has, as push/pull does, over the wire; it returns what Apply returned.
func pull(t rapid.TB, now time.Time, to, from *Directory) (changed, lost []Record) {
	owners, err := to.Diff(from.Digest())
	if err != nil {
		t.Fatalf("diff: %v", err)
	}
	return to.Apply(now, onWire(t, from.Of(owners...)))
}

func onWire(t rapid.TB, recs []Record) []Record {
	out, err := Parse(Append(nil, recs...))
	if err != nil {
		t.Fatalf("parse of %v: %v", recs, err)
	}
	return out
}

// repair is one round: every node pulls from every other. Changes are not spread besides.
func repair(t rapid.TB, now time.Time, all []*Directory) {
	for i, to := range all {
		for j, from := range all {
			if i != j {
				pull(t, now, to, from)
			}
		}
	}
}

// contents is what must be equal in all copies: everything but ages.
func contents(d *Directory) []Record {
	all := d.All()
	for i := range all {
		all[i].Age = 0
	}
	return all
}

func mustAgree(t rapid.TB, all []*Directory) {
	for _, d := range all[1:] {
		if a, b := contents(all[0]), contents(d); !slices.Equal(a, b) {
			t.Fatalf("copies differ:\n%s: %v\n%s: %v", all[0].self, a, d.self, b)
		}
		if !slices.Equal(all[0].Digest(), d.Digest()) {
			t.Fatalf("equal copies, different digests")
		}
	}
}

// mustBeSound compares what is kept incrementally with what it should be.
func mustBeSound(t rapid.TB, d *Directory) {
	live, sums, counts := 0, map[string]uint64{}, map[string]int{}
	for match, e := range d.matches {
		if e.rec.Match != match || e.hash != e.rec.hash() || d.owners[e.rec.Owner].records[match] != e {
			t.Fatalf("%s is held wrongly", match)
		}
		if e.rec.Live() {
			live++
		}
		sums[e.rec.Owner] ^= e.hash
		counts[e.rec.Owner]++
	}
	for id, o := range d.owners {
		if o.sum != sums[id] || len(o.records) != counts[id] {
			t.Fatalf("owner %s: sum %x of %d, want %x of %d", id, o.sum, len(o.records), sums[id], counts[id])
		}
		if _, found := slices.BinarySearch(d.order, id); found != (counts[id] > 0) {
			t.Fatalf("owner %s with %d records, in the digest: %v", id, counts[id], found)
		}
	}
	if l, tombs := d.Len(); l != live || l+tombs != len(d.matches) || len(d.order) != len(counts) {
		t.Fatalf("Len %d, %d of %d records, %d live", l, tombs, len(d.matches), live)
	}
}

// state is the state of a match at a node: "none" if it has no record.
func state(d *Directory, match string) string {
	r, ok := d.Get(match)
	if !ok {
		return "none"
	}
	return fmt.Sprintf("%s %d %s", r.Owner, r.Epoch, r.State)
}

func mustBe(t testing.TB, d *Directory, match, want string) {
	t.Helper()
	if got := state(d, match); got != want {
		t.Fatalf("%s says %q of %s, want %q", d.self, got, match, want)
	}
}
