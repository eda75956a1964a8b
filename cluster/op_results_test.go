package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
)

// listResults returns what a node lists of the matches that are over, page by page, when all nodes have answered. It checks that they come in
// the order that is promised: by the millisecond in which they ended, and then by id.
func listResults(t *testing.T, n *Node, query string) (list []admin.Match) {
	t.Helper()
	next := ""
	for pages := 0; pages == 0 || next != ""; pages++ {
		var page struct {
			Results []admin.Match
			Next    string
			Missing []string
		}
		eventually(t, "all nodes say what ended", func() bool {
			page.Results, page.Next, page.Missing = nil, "", nil
			a := do(t, "GET", n.AdminURL()+"/v1/results?"+query+"&after="+url.QueryEscape(next), "")
			if err := json.Unmarshal(a.body, &page); err != nil || pages > 100 {
				t.Fatalf("page %d: %s", pages, a.body)
			}
			return len(page.Missing) == 0
		})
		list, next = append(list, page.Results...), page.Next
	}
	for i := range max(0, len(list)-1) {
		a, b := list[i], list[i+1]
		if at, then := a.Ended.UnixMilli(), b.Ended.UnixMilli(); at > then || at == then && a.ID >= b.ID {
			t.Errorf("result of %s, ended %v, comes before that of %s, ended %v", a.ID, a.Ended, b.ID, b.Ended)
		}
	}
	return list
}

// Results of matches that ended in the same millisecond come by id, each once, whatever the pages.
func TestResultsOfOneMillisecond(t *testing.T) {
	n := startNode(t, nil)
	at := time.Now().UTC().Truncate(time.Millisecond)
	var want []string
	for i := range 12 {
		m := admin.Match{ID: fmt.Sprintf("m%02d", i*7%12), Game: "tag", State: "ended", Outcome: "finished"}
		m.Ended = at.Add(time.Duration(i*7%12/5) * time.Millisecond) // by five
		n.matches.keep(m, [sha256.Size]byte{})
		want = append(want, m.ID)
	}
	slices.Sort(want)
	for _, limit := range []string{"limit=1", "limit=3", "limit=5", "limit=100"} {
		var got []string
		for _, m := range listResults(t, n, limit) {
			got = append(got, m.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: results of %v, want %v", limit, got, want)
		}
	}
}

// Every node lists the results of all in the order in which the matches ended, wherever they did: here all nodes have one clock.
func TestResultsInTheOrderOfTheirEnds(t *testing.T) {
	simulate(t, *simSeed, func(w *simWorld) {
		w.grow(3)
		var want []string
		for range 9 {
			want = append(want, w.create(w.anyNode(w.rng), 0).id)
		}
		if !w.eventually(3*time.Second, func() bool { return w.allProtected() == nil }) {
			t.Fatal(w.allProtected())
		}
		w.rng.Shuffle(len(want), func(i, j int) { want[i], want[j] = want[j], want[i] })
		owners := map[string]bool{}
		for _, id := range want {
			if err := w.end(w.anyNode(w.rng), id, `{}`); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		for _, n := range w.nodes {
			var got []string
			q := admin.ResultQuery{Limit: 2}
			for more := true; more; {
				list, again, silent := operator{n.Node}.Results(context.Background(), q)
				if len(silent) > 0 || len(list) == 0 {
					t.Fatalf("%v did not answer; %d results", silent, len(list))
				}
				for _, m := range list {
					got = append(got, m.ID)
					owners[m.Owner] = true
				}
				more, q.After, q.AfterID = again, list[len(list)-1].Ended.UnixMilli(), got[len(got)-1]
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s lists %v, want %v", n.name, got, want)
			}
		}
		if len(owners) != 3 {
			t.Errorf("matches ended on %d nodes only", len(owners))
		}
	})
}
