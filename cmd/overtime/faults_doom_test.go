package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// routed is what a node that is left says right after a strike of who goes on with a match: its owner and its standby as the directory has them.
type routed struct {
	URL     string
	Standby string `json:"standby_url"`
}

// doomed says whether nobody can go on with a match, by what those who are left say: they know it, and name nobody who lives. A standby that the
// owner had given up when it was hit, and nobody has heard of it, counts for nothing.
func doomed(says []routed, dead, given func(url string) bool) bool {
	for _, r := range says {
		for _, url := range []string{r.URL, r.Standby} {
			if url != "" && !dead(url) && !given(url) {
				return false
			}
		}
	}
	return len(says) > 0
}

const (
	doomAfter  = 100 * time.Millisecond // what the dead said last has arrived
	doomWithin = 2 * time.Second        // until all who are left have answered: later they may have declared matches lost
	givenFor   = time.Second            // that an owner is without a standby that it gave up before it has told of another one
)

// doom notes which matches of a strike nobody can go on with, by who had which part in the moment of it: what was listed before may be old, since an
// owner that gives up a slow standby is alone until it has another.
func (s *siege) doom(ctx context.Context, k *strike, victims []*demoNode) error {
	if !pause(ctx, doomAfter) {
		return ctx.Err()
	}
	dead := func(url string) bool {
		return slices.ContainsFunc(victims, func(v *demoNode) bool { return strings.Contains(url, "//"+v.player+"/") })
	}
	gave := s.gaveUp(k, victims)
	for _, m := range s.before {
		if s.lost[m.ID] > 0 || k.doomed[m.ID] {
			continue
		}
		given := func(url string) bool {
			return slices.ContainsFunc(s.up, func(x *demoNode) bool {
				return strings.Contains(url, "//"+x.player+"/") && (gave[m.ID+" "+x.id] || gave[" "+x.id])
			})
		}
		if doomed(s.routes(ctx, k, m.ID), dead, given) {
			s.say("%v: %s had no standby when it was hit", k.cell, m.ID)
			k.doomed[m.ID] = true
		}
	}
	return nil
}

// routes asks those who are left for a match. Who does not know it, or does not answer in time, says nothing.
func (s *siege) routes(ctx context.Context, k *strike, match string) (says []routed) {
	for _, x := range s.up {
		var r routed
		for s.clock() < k.at+doomWithin {
			err := s.api.get(ctx, "http://"+x.player+"/v1/route?match="+match, &r)
			if err == nil {
				says = append(says, r)
			}
			if err == nil || unknown(err) || !pause(ctx, 30*time.Millisecond) {
				break
			}
		}
	}
	return says
}

// unknown reports whether a node has answered that it does not know what was asked for.
func unknown(err error) bool { return strings.HasSuffix(err.Error(), "404 Not Found") }

var givenUp = regexp.MustCompile(`^time=(\S+) .*(?:msg="standby is too slow" match=(\S+) standby|msg="link down" peer)=(\S+)`)

// gaveUp reads in the logs of nodes that were hit which others they had given up just before, each as "match node", or as " node" for all matches.
func (s *siege) gaveUp(k *strike, victims []*demoNode) map[string]bool {
	all := map[string]bool{}
	hit := s.sights.Began().Add(k.at)
	for _, v := range victims {
		b, _ := os.ReadFile(filepath.Join(s.dir, v.name+".log")) // who has no log has said nothing
		for line := range strings.Lines(string(b)) {
			m := givenUp.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			if at, err := time.Parse(time.RFC3339, m[1]); err == nil && hit.Sub(at) < givenFor {
				all[m[2]+" "+m[3]] = true
			}
		}
	}
	return all
}

// TestDoomed: a match is doomed if those who are left know it and name nobody who lives, or nobody whom its owner still counted on.
func TestDoomed(t *testing.T) {
	is := func(list string) func(string) bool {
		return func(url string) bool { return strings.Contains(list, url) }
	}
	for _, x := range []struct {
		says        []routed
		dead, given string
		want        bool
	}{
		{nil, "ab", "", false},
		{[]routed{{"a", "b"}}, "ab", "", true},
		{[]routed{{"a", ""}}, "ab", "", true},
		{[]routed{{"a", "c"}}, "ab", "", false},
		{[]routed{{"c", ""}}, "ab", "", false},
		{[]routed{{"a", ""}, {"c", ""}}, "ab", "", false},
		{[]routed{{"a", "c"}, {"a", ""}}, "ab", "c", true},
		{[]routed{{"a", "c"}, {"d", ""}}, "ab", "c", false},
	} {
		if got := doomed(x.says, is(x.dead), is(x.given)); got != x.want {
			t.Errorf("%+v: %v", x, got)
		}
	}
	m := givenUp.FindStringSubmatch(`time=2026-11-23T19:12:01.123Z level=WARN msg="standby is too slow" match=m1 standby=n2`)
	if m == nil || m[2] != "m1" || m[3] != "n2" {
		t.Errorf("%q", m)
	}
	m = givenUp.FindStringSubmatch(`time=2026-11-23T19:12:01.123Z level=INFO msg="link down" peer=n3 reason="link: silence" lived=1s`)
	if m == nil || m[2] != "" || m[3] != "n3" {
		t.Errorf("%q", m)
	}
}
