package directory

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// trio returns the nodes a, b, c, which all know a match of a.
func trio(t *testing.T, standby string) []*Directory {
	all := nodes(3)
	all[1].Apply(at(0), []Record{all[0].Put(at(0), Record{Match: "m", Epoch: 1, Standby: standby})})
	pull(t, at(0), all[2], all[1])
	mustAgree(t, all)
	return all
}

func TestSuspicionChangesNothing(t *testing.T) {
	b := trio(t, "")[1]
	b.Suspect("a", true)
	b.Expire(at(1000))
	mustBe(t, b, "m", "a 1 running")
	if !b.Suspected("a") || b.Suspected("c") {
		t.Fatal("wrong suspects")
	}
	b.Alive("a")
	if b.Suspected("a") {
		t.Fatal("still suspected")
	}
}

// A paused owner was declared dead by the others, returns, and learns that its match is lost.
func TestPausedOwnerLearnsOfItsLoss(t *testing.T) {
	all := trio(t, "")
	a, b, c := all[0], all[1], all[2]
	b.Dead(at(10), "a", true)
	c.Dead(at(10.5), "a", true)
	if lost := b.Expire(at(12.9)); lost != nil {
		t.Fatalf("declared before the deaths settled: %v", lost)
	}
	lost := b.Expire(at(13.1))
	if len(lost) != 1 || lost[0].State != Lost || lost[0].Epoch != 2 || lost[0].Since != 1 {
		t.Fatalf("declared %v", lost)
	}
	if again := b.Expire(at(14)); again != nil {
		t.Fatalf("declared twice: %v", again)
	}
	c.Apply(at(13.2), lost)
	if own := c.Expire(at(14)); own != nil {
		t.Fatalf("c declared %v after b", own)
	}
	b.Alive("a")
	c.Alive("a")
	_, mine := pull(t, at(60), a, c)
	if len(mine) != 1 || mine[0].Match != "m" || mine[0].State != Lost {
		t.Fatalf("a learned %v", mine)
	}
	if got := a.Put(at(61), Record{Match: "m", Epoch: 1}); got.State != Lost {
		t.Fatalf("a wrote %v over its loss", got)
	}
	repair(t, at(61), all)
	mustAgree(t, all)
	if got := a.Put(at(62), Record{Match: "m", Epoch: 2, Since: 1}); !got.Live() || got.Owner != "a" { // its trio voted on
		t.Fatalf("a could not outbid its loss with the next epoch: %v", got)
	}
}

// A split heals: the first node that is back makes a majority again, and the owner is back a little later. Nothing is lost.
func TestMajorityThatHasJustComeBackWaits(t *testing.T) {
	all := trio(t, "")
	c := all[2] // was alone
	c.Dead(at(10), "b", true)
	c.Dead(at(11), "a", false)
	c.Expire(at(18))
	c.Alive("b")
	c.Dead(at(18.1), "a", true) // the latest of its deaths is told again while it is fresh
	for _, s := range []float64{18.1, 19, 20.9} {
		if lost := c.Expire(at(s)); lost != nil {
			t.Fatalf("declared after %v s: %v", s, lost)
		}
	}
	if lost := c.Expire(at(21.2)); len(lost) != 1 {
		t.Fatalf("an owner that stays away: %v", lost)
	}
	c.Alive("a")

	d := trio(t, "")[2] // it had a majority all the time: of five, say
	d.Dead(at(10), "a", true)
	d.Dead(at(10), "b", true)
	d.Expire(at(12.9))
	d.Alive("b")
	if lost := d.Expire(at(13.5)); lost != nil {
		t.Fatalf("declared while nodes come back: %v", lost)
	}
}

func TestOwnerBackInTimeLosesNothing(t *testing.T) {
	all := trio(t, "")
	b := all[1]
	b.Dead(at(10), "a", true)
	b.Expire(at(12))
	b.Alive("a")
	if lost := b.Expire(at(100)); lost != nil {
		t.Fatalf("declared %v", lost)
	}
	mustBe(t, b, "m", "a 1 running")
}

// A standby that is alive has StandbyFor to take over; what it writes beats a declaration of the same epoch.
func TestStandbyGoesFirst(t *testing.T) {
	all := trio(t, "c")
	b, c := all[1], all[2]
	b.Dead(at(10), "a", true)
	if lost := b.Expire(at(14.9)); lost != nil {
		t.Fatalf("declared %v although the standby is alive", lost)
	}
	lost := b.Expire(at(15))
	if len(lost) != 1 {
		t.Fatalf("declared %v after the standby's time", lost)
	}
	won := c.Put(at(15), Record{Match: "m", Epoch: 2})
	if _, mine := c.Apply(at(15), lost); mine != nil {
		t.Fatalf("the new owner lost %v", mine)
	}
	b.Apply(at(15), []Record{won})
	mustBe(t, b, "m", "c 2 running")
	mustBe(t, c, "m", "c 2 running")
}

func TestDeadStandbyIsNotWaitedFor(t *testing.T) {
	all := nodes(5)
	d := all[4]
	d.Apply(at(0), []Record{all[0].Put(at(0), Record{Match: "m", Epoch: 1, Standby: "b"})})
	d.Dead(at(10), "a", true)
	d.Dead(at(10.5), "b", true)
	if lost := d.Expire(at(13.5)); len(lost) != 1 {
		t.Fatalf("declared %v", lost)
	}
}

// A minority sees the deaths of a partition one after another, the first while most seem to be there still. It declares
// nothing, whatever the order and the pace, and drops what it cannot reach.
func TestMinorityDeclaresNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := nodes(7)
		d := all[6]
		others := rapid.Permutation([]int{0, 1, 2, 3, 4, 5}).Draw(t, "deaths")
		dead := others[:rapid.IntRange(4, 6).Draw(t, "count")]
		for i := range 6 {
			standby := rapid.SampledFrom([]string{"", "a", "b", "g"}).Draw(t, "standby")
			d.Apply(at(0), []Record{all[i].Put(at(0), Record{Match: fmt.Sprint("m", i), Epoch: 1, Standby: standby})})
		}
		now := at(10)
		for i, n := range dead {
			d.Dead(now, name(n), 7-i-1 > 3)
			now = now.Add(time.Duration(rapid.IntRange(0, 2900).Draw(t, "ms")) * time.Millisecond)
			if lost := d.Expire(now); lost != nil {
				t.Fatalf("declared %v", lost)
			}
		}
		for range 30 {
			now = now.Add(time.Second)
			if lost := d.Expire(now); lost != nil {
				t.Fatalf("declared %v", lost)
			}
		}
		for i, n := range others {
			_, ok := d.Get(fmt.Sprint("m", n))
			if ok == (i < len(dead)) {
				t.Fatalf("record of node %d held: %v", n, ok)
			}
		}
		for _, n := range dead { // healed: everybody is there and has what it had
			d.Alive(name(n))
			pull(t, now, d, all[n])
			if got := state(d, fmt.Sprint("m", n)); got != name(n)+" 1 running" {
				t.Fatalf("after healing %s", got)
			}
		}
	})
}

// Records of an owner that is dead, or that nobody has ever seen, do not wander among nodes for ever.
func TestRecordsOfTheUnknownGo(t *testing.T) {
	for _, told := range []bool{false, true} {
		all := []*Directory{New("x"), New("y"), New("z")}
		for _, d := range all {
			d.Alive("x")
			d.Alive("y")
			d.Alive("z")
			if told {
				d.Dead(at(0), "a", false)
			}
		}
		all[0].Apply(at(0), []Record{{Match: "m", Epoch: 1, Seq: 1, Since: 1, Owner: "a"}})
		for s := range 60 {
			now := at(float64(s))
			if s%7 == 0 {
				repair(t, now, all)
			}
			for _, d := range all {
				d.Expire(now)
			}
		}
		for _, d := range all {
			mustBe(t, d, "m", "none")
			mustBeSound(t, d)
		}
		all[0].Alive("a")
		all[0].Apply(at(61), []Record{{Match: "m", Epoch: 1, Seq: 1, Since: 1, Owner: "a"}})
		mustBe(t, all[0], "m", "a 1 running")
	}
}

// A copy that reaches a node after it dropped the records of a dead owner is not taken, not even for a moment.
func TestRecordsOfTheDeadAreNotTakenBack(t *testing.T) {
	all := trio(t, "")
	b, c := all[1], all[2]
	b.Dead(at(10), "a", false)
	c.Dead(at(12), "a", false)
	b.Expire(at(30))
	mustBe(t, b, "m", "none")
	mustBe(t, c, "m", "a 1 running")
	if changed, _ := pull(t, at(31), b, c); changed != nil {
		t.Fatalf("b took back %v", changed)
	}
	mustBe(t, b, "m", "none")
	if s := b.Stats(); s.Gone != 1 || s.Dropped != 1 {
		t.Fatalf("counted %+v", s)
	}
}

func TestOwnersAreForgotten(t *testing.T) {
	d := nodes(1)[0]
	d.Expire(at(0))
	for i := range 100 {
		d.Dead(at(1), fmt.Sprint("n", i), true)
	}
	d.Expire(at(3700))
	if len(d.owners) != 1 {
		t.Fatalf("%d owners are kept", len(d.owners))
	}
}
