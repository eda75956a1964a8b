package directory

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTombstonesExpire(t *testing.T) {
	all := trio(t, "")
	a, b, c := all[0], all[1], all[2]
	ended := a.Put(at(10), Record{Match: "m", Epoch: 1, State: Ended})
	b.Apply(at(10), []Record{ended})
	a.Expire(at(50.5))
	pull(t, at(50.5), c, a)
	if r, _ := c.Get("m"); r.State != Ended || r.Age != 41 {
		t.Fatalf("c has %+v", r)
	}
	for _, d := range all {
		d.Expire(at(69))
		mustBe(t, d, "m", "a 1 ended")
		d.Expire(at(70))
		mustBe(t, d, "m", "none")
	}
}

// However late a copy is made, it lives no longer than the first.
func TestTombstoneDoesNotLiveByCopies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := nodes(4)
		all[0].Put(at(0), Record{Match: "m", Epoch: 1, State: Ended})
		now := start
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			to, from := all[rapid.IntRange(0, 3).Draw(t, "to")], all[rapid.IntRange(0, 3).Draw(t, "from")]
			to.Expire(now)
			from.Expire(now)
			pull(t, now, to, from)
			if r, ok := to.Get("m"); ok && now.Sub(start) >= EndedFor {
				t.Fatalf("%s has %+v after %s", to.self, r, now.Sub(start))
			}
		}
	})
}

// A tombstone that is too old to be kept still ends a live record.
func TestOldTombstoneEndsALiveRecord(t *testing.T) {
	b := trio(t, "")[1]
	b.Apply(at(100), []Record{{Match: "m", Epoch: 1, Seq: 9, Since: 1, Owner: "a", State: Ended, Age: 500}})
	mustBe(t, b, "m", "a 1 ended")
	b.Expire(at(100))
	mustBe(t, b, "m", "none")
	if changed, _ := b.Apply(at(101), []Record{{Match: "m", Epoch: 1, Seq: 9, Since: 1, Owner: "a", State: Ended, Age: 60}}); changed != nil {
		t.Fatalf("took %v", changed)
	}
}

// The tombstone is gone everywhere but a node that was cut off has the live record: its owner, asked or told, ends it again.
func TestOwnerAnswersAStaleRecord(t *testing.T) {
	all := trio(t, "")
	a, b, c := all[0], all[1], all[2] // c is cut off
	b.Apply(at(10), []Record{a.Put(at(10), Record{Match: "m", Epoch: 1, State: Ended})})
	for _, d := range all {
		d.Expire(at(100))
	}
	mustBe(t, c, "m", "a 1 running")
	pull(t, at(101), b, c)
	changed, mine := pull(t, at(101), a, c)
	if len(changed) != 1 || changed[0].Owner != "a" || changed[0].State != Ended || mine != nil {
		t.Fatalf("a answered %v, %v", changed, mine)
	}
	for _, d := range all[1:] {
		d.Apply(at(101), changed)
		mustBe(t, d, "m", "a 1 ended")
	}
	mustAgree(t, all)
}

// A copy of its own record that is ahead, which no honest node has, does not stop an owner: it writes above it.
func TestOwnerWritesAboveACopyAhead(t *testing.T) {
	all := trio(t, "b")
	a := all[0]
	changed, mine := a.Apply(at(1), []Record{{Match: "m", Epoch: 1, Seq: 7, Since: 1, Owner: "a", Standby: "c"}})
	if mine != nil || len(changed) != 1 || changed[0].Seq != 8 || changed[0].Standby != "b" {
		t.Fatalf("answered %v, lost %v", changed, mine)
	}
}

// Matches are made, ended and lost, nodes are cut off and die for minutes, everybody repairs with random others. In the end
// a record is live only if its owner serves it, and all copies are equal.
func TestNothingComesBackToLife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := nodes(5)
		events := []string{"make", "make", "end", "end", "kill", "cut", "heal", "deaf", "repair", "repair"}
		var down []*Directory         // killed: never come back
		cut := map[*Directory]bool{}  // for themselves, and thought dead
		deaf := map[*Directory]bool{} // members whose directory hears nothing
		up := func() []*Directory {
			return slices.DeleteFunc(slices.Clone(all), func(d *Directory) bool { return cut[d] || slices.Contains(down, d) })
		}
		over := map[string]bool{} // matches that their owner ended
		now, next := start, 0
		spread := func(from *Directory, recs []Record) { // lossy
			if len(recs) == 0 || cut[from] {
				return
			}
			for _, d := range up() {
				if d != from && !deaf[d] && rapid.IntRange(0, 3).Draw(t, "loss") > 0 {
					own(d, now, recs)
				}
			}
		}
		for range rapid.IntRange(20, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(100, 9000).Draw(t, "ms")) * time.Millisecond)
			d := all[rapid.IntRange(0, 4).Draw(t, "node")]
			switch k := rapid.SampledFrom(events).Draw(t, "event"); {
			case slices.Contains(down, d):
			case k == "make":
				next++
				spread(d, []Record{d.Put(now, Record{Match: fmt.Sprint("m", next), Epoch: 1})})
			case k == "end":
				for _, r := range d.Of(d.self) {
					if r.Live() {
						over[r.Match] = true
						spread(d, []Record{d.Put(now, Record{Match: r.Match, Epoch: r.Epoch, Since: r.Since, State: Ended})})
						break
					}
				}
			case k == "kill" && len(down) == 0 && len(cut) == 0:
				down = append(down, d)
				for _, x := range up() {
					x.Dead(now, d.self, true)
				}
			case k == "cut" && len(down)+len(cut) == 0: // an island of one, seen as dead by the others and seeing them dead
				cut[d] = true
				for _, x := range up() {
					x.Dead(now, d.self, true)
					d.Dead(now, x.self, false)
				}
			case k == "heal" && len(cut) > 0:
				heal(all, down, cut)
			case k == "deaf":
				deaf[d] = len(deaf) < 2
			default:
				if to := all[rapid.IntRange(0, 4).Draw(t, "to")]; !cut[d] && !cut[to] && !deaf[d] && !deaf[to] && !slices.Contains(down, to) {
					owners, _ := to.Diff(d.Digest())
					recs := d.Of(owners...)
					spread(to, own(to, now, recs))
				}
			}
			for _, x := range all {
				if !slices.Contains(down, x) {
					spread(x, x.Expire(now))
				}
			}
		}
		heal(all, down, cut)
		for range 40 { // half a minute of quiet is enough for the dead to be dropped, ten seconds between repairs
			now = now.Add(time.Second)
			for _, x := range up() {
				x.Expire(now)
			}
		}
		for range 2 {
			for _, to := range up() {
				for _, from := range up() {
					owners, _ := to.Diff(from.Digest())
					own(to, now, from.Of(owners...))
				}
			}
		}
		for _, d := range up() {
			mustBeSound(t, d)
			for _, r := range d.All() {
				if !r.Live() {
					continue
				}
				i := slices.IndexFunc(up(), func(x *Directory) bool { return x.self == r.Owner })
				if i < 0 {
					t.Fatalf("%s has %+v of a dead owner", d.self, r)
				}
				if own, ok := up()[i].Get(r.Match); !ok || own != r || over[r.Match] {
					t.Fatalf("%s has %+v, its owner %+v; ended by it: %v", d.self, r, own, over[r.Match])
				}
			}
		}
		for _, d := range up()[1:] { // a tombstone in its last second may be gone at some already
			if a, b := liveOf(up()[0]), liveOf(d); !slices.Equal(a, b) {
				t.Fatalf("%s and %s differ: %v and %v", up()[0].self, d.self, a, b)
			}
		}
	})
}

func liveOf(d *Directory) []Record {
	return slices.DeleteFunc(d.All(), func(r Record) bool { return !r.Live() })
}

// own applies records after a trip over the wire and returns what the node must spread itself: answers of its own.
func own(d *Directory, now time.Time, recs []Record) []Record {
	recs, err := Parse(Append(nil, recs...))
	if err != nil {
		panic(err)
	}
	changed, _ := d.Apply(now, recs)
	return slices.DeleteFunc(changed, func(r Record) bool { return r.Owner != d.self })
}

func heal(all, down []*Directory, cut map[*Directory]bool) {
	clear(cut)
	for _, d := range all {
		for _, x := range all {
			if !slices.Contains(down, x) {
				d.Alive(x.self)
			}
		}
	}
}
