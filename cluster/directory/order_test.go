package directory

import (
	"testing"

	"pgregory.net/rapid"
)

func drawRecord(t *rapid.T) Record {
	owner := rapid.SampledFrom([]string{"a", "b", "c"})
	r := Record{
		Match:   rapid.SampledFrom([]string{"m1", "m2", "m3"}).Draw(t, "match"),
		Epoch:   rapid.Uint32Range(1, 4).Draw(t, "epoch"),
		Seq:     rapid.Uint32Range(1, 4).Draw(t, "seq"),
		Owner:   owner.Draw(t, "owner"),
		Standby: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "standby"),
		Witness: rapid.SampledFrom([]string{"", "c"}).Draw(t, "witness"),
		State:   State(rapid.IntRange(0, 2).Draw(t, "state")),
	}
	r.Since = rapid.Uint32Range(1, r.Epoch).Draw(t, "since")
	return r
}

func TestOrderIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawRecord(t), drawRecord(t), drawRecord(t)
		a.Match, b.Match, c.Match = "m", "m", "m"
		if x, y := compare(&a, &b), compare(&b, &a); x != -y || (x == 0) != (a == b) {
			t.Fatalf("%+v to %+v is %d and back %d", a, b, x, y)
		}
		if compare(&a, &b) >= 0 && compare(&b, &c) >= 0 && compare(&a, &c) < 0 {
			t.Fatalf("not transitive: %+v %+v %+v", a, b, c)
		}
	})
}

func TestOrderIsTheDocumentedOne(t *testing.T) {
	rec := func(epoch uint32, owner string, state State, seq uint32) Record {
		return Record{Match: "m", Epoch: epoch, Since: 1, Owner: owner, State: state, Seq: seq}
	}
	for _, c := range []struct {
		name          string
		winner, loser Record
	}{
		{"higher epoch", rec(2, "b", Running, 1), rec(1, "a", Ended, 9)},
		{"Lost of a higher epoch", rec(2, "b", Lost, 1), rec(1, "a", Running, 9)},
		{"live over Lost", rec(2, "b", Running, 1), rec(2, "a", Lost, 9)},
		{"Ended over Lost", rec(2, "b", Ended, 1), rec(2, "b", Lost, 9)},
		{"Ended over live", rec(2, "b", Ended, 1), rec(2, "b", Running, 9)},
		{"smaller owner", rec(2, "a", Running, 1), rec(2, "b", Ended, 9)},
		{"higher sequence", rec(2, "a", Running, 3), rec(2, "a", Running, 2)},
	} {
		if !Newer(&c.winner, &c.loser) || Newer(&c.loser, &c.winner) {
			t.Errorf("%s: %+v does not beat %+v", c.name, c.winner, c.loser)
		}
	}
}

// Equal records have equal hashes at every age, and a change of any field changes the hash.
func TestHashCoversAllFields(t *testing.T) {
	r := Record{Match: "m", Epoch: 3, Seq: 4, Since: 2, Owner: "a", Standby: "b", Witness: "c", State: Ended}
	change := []func(*Record){
		func(r *Record) { r.Match = "n" }, func(r *Record) { r.Epoch = 4 }, func(r *Record) { r.Seq = 5 }, func(r *Record) { r.Since = 3 },
		func(r *Record) { r.Owner = "b" }, func(r *Record) { r.Standby = "c" }, func(r *Record) { r.Witness = "" },
		func(r *Record) { r.State = Lost }, func(r *Record) { r.Standby, r.Witness = "bc", "" },
	}
	seen := map[uint64]int{r.hash(): -1}
	for i, f := range change {
		c := r
		f(&c)
		if j, ok := seen[c.hash()]; ok {
			t.Errorf("changes %d and %d have one hash", i, j)
		}
		seen[c.hash()] = i
	}
	old := r
	old.Age = 9
	if old.hash() != r.hash() {
		t.Error("the age is in the hash")
	}
}
