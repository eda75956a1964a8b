package place

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestCandidatesErrors(t *testing.T) {
	ready := Node{ID: "a", Region: "eu", Free: 1}
	draining := Node{ID: "b", Region: "eu", Free: 1, Draining: true}
	full := Node{ID: "c", Region: "eu"}
	both := Node{ID: "d", Region: "eu", Draining: true}
	for _, c := range []struct {
		name   string
		nodes  []Node
		region string
		want   error
	}{
		{"nobody", nil, "", ErrNone},
		{"nobody in a region", nil, "eu", ErrNone},
		{"other region", []Node{ready}, "us", ErrNoRegion},
		{"draining", []Node{draining}, "eu", ErrDraining},
		{"draining and full at once", []Node{both}, "eu", ErrDraining},
		{"full", []Node{full}, "eu", ErrFull},
		{"full beside draining", []Node{full, draining}, "", ErrFull},
		{"ready elsewhere", []Node{full, {ID: "x", Region: "us", Free: 3}}, "eu", ErrFull},
		{"ready", []Node{full, draining, ready}, "eu", nil},
		{"any region", []Node{ready}, "", nil},
	} {
		got, err := Candidates(c.nodes, "m", c.region)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
		if c.want == nil && !slices.Equal(got, []string{"a"}) {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func drawNodes(t *rapid.T) []Node {
	node := rapid.Custom(func(t *rapid.T) Node {
		return Node{
			ID:       rapid.StringMatching(`[a-z]{1,4}`).Draw(t, "id"),
			Region:   rapid.SampledFrom([]string{"eu", "us"}).Draw(t, "region"),
			Zone:     rapid.SampledFrom([]string{"", "1", "2", "3"}).Draw(t, "zone"),
			Load:     rapid.Float64Range(0, 1.2).Draw(t, "load"),
			Free:     rapid.IntRange(0, 2).Draw(t, "free"),
			Draining: rapid.Bool().Draw(t, "draining"),
		}
	})
	return rapid.SliceOfNDistinct(node, 1, 12, func(n Node) string { return n.ID }).Draw(t, "nodes")
}

func TestCandidatesAreReadyAndHotOnesLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := drawNodes(t)
		region := rapid.SampledFrom([]string{"", "eu", "us"}).Draw(t, "region")
		got, err := Candidates(nodes, "m", region)
		if (err == nil) != (len(got) > 0) {
			t.Fatalf("%v and %v", got, err)
		}
		var ready, hot []string
		for _, n := range nodes {
			if n.Draining || n.Free == 0 || region != "" && n.Region != region {
				continue
			}
			if n.Load >= Hot {
				hot = append(hot, n.ID)
			} else {
				ready = append(ready, n.ID)
			}
		}
		if want := append(Rendezvous("m", ready), Rendezvous("m", hot)...); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestStandbysAndWitnesses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := drawNodes(t)
		owner := rapid.SampledFrom(nodes).Draw(t, "owner")
		far, near := Standbys(nodes, owner.ID, "m")
		count := 0
		for _, id := range slices.Concat(far, near) {
			n := find(nodes, id)
			if n.ID == owner.ID || n.Draining || n.Region != owner.Region {
				t.Fatalf("%+v may not stand by for %+v", n, owner)
			}
			other := n.Zone == "" || n.Zone != owner.Zone
			if other != slices.Contains(far, id) {
				t.Fatalf("%+v is in the wrong tier for %+v", n, owner)
			}
			count++
		}
		eligible := 0
		for _, n := range nodes {
			if n.ID != owner.ID && !n.Draining {
				eligible++
				if n.Region == owner.Region {
					count--
				}
			}
		}
		if count != 0 {
			t.Fatalf("%v and %v are not all who may stand by", far, near)
		}
		standby := rapid.SampledFrom(nodes).Draw(t, "standby")
		witnesses := Witnesses(nodes, owner.ID, standby.ID, "m")
		last := 0
		for _, id := range witnesses {
			n := find(nodes, id)
			if n.ID == owner.ID || n.ID == standby.ID || n.Draining {
				t.Fatalf("%+v may not be witness of %+v and %+v", n, owner, standby)
			}
			rank := 0
			if n.Region != owner.Region {
				rank = 3
			} else {
				if n.Zone != "" && n.Zone == owner.Zone {
					rank++
				}
				if n.Region == standby.Region && n.Zone != "" && n.Zone == standby.Zone {
					rank++
				}
			}
			if rank < last {
				t.Fatalf("%+v comes after a worse one in %v", n, witnesses)
			}
			last = rank
		}
		if standby.ID != owner.ID && !standby.Draining {
			eligible--
		}
		if len(witnesses) != eligible {
			t.Fatalf("%d witnesses of %d", len(witnesses), eligible)
		}
	})
}
