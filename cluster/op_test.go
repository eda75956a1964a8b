package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/client"
	"github.com/overtime-server/overtime/schema"
)

// listener is a player who notes what he is told.
type listener struct {
	*player
	told chan string // kind and text
}

func (l *listener) Message(_ *client.Client, kind uint8, data []byte) {
	l.told <- fmt.Sprint(kind, " ", string(data))
}

// enter joins a match with a token of its own.
func enter(t *testing.T, n *Node, match, id string) *listener {
	t.Helper()
	a := insist(t, "POST", n.AdminURL()+"/v1/matches/"+match+"/tokens", `{"players":[{"id":"`+id+`"}]}`)
	var got struct {
		URL    string            `json:"url"`
		Tokens map[string]string `json:"tokens"`
	}
	if err := json.Unmarshal(a.body, &got); err != nil || a.status != 200 {
		t.Fatalf("tokens: %d %s", a.status, a.body)
	}
	l := &listener{told: make(chan string, 16)}
	joinWith(t, got.URL, got.Tokens[id], l)
	l.welcomed()
	return l
}

func wantStatus(t *testing.T, a answer, status int) answer {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// A player hears what the operator says, stands still in a pause, and is removed with a reason; then the match ends with a result.
func TestOperatorControlsAMatch(t *testing.T) {
	n := startNode(t, nil)
	base := n.AdminURL() + "/v1/matches"
	id := do(t, "POST", base, `{"game":"tag","seats":4}`).field(t, "match_id")
	a, b := enter(t, n, id, "a"), enter(t, n, id, "b")
	eventually(t, "both are there", func() bool { return len(n.matches.get(id).match.Info().Present) == 2 })

	told := wantStatus(t, do(t, "POST", n.AdminURL()+"/v1/messages", `{"match":"`+id+`","text":"hear, hear"}`), 200)
	if string(told.body) != `{"matches":1,"players":2}` {
		t.Errorf("told %s", told.body)
	}
	for _, l := range []*listener{a, b} {
		if got := <-l.told; got != fmt.Sprint(schema.MessageAdmin, " hear, hear") {
			t.Errorf("heard %q", got)
		}
	}
	wantStatus(t, do(t, "POST", base+"/"+id+"/pause", `{"paused":true}`), 202)
	eventually(t, "the match is paused", func() bool { return show(t, n, id).Paused })
	wantStatus(t, do(t, "POST", base+"/"+id+"/pause", `{"paused":false}`), 202)
	eventually(t, "the match goes on", func() bool { return !show(t, n, id).Paused })

	wantProblem(t, do(t, "POST", base+"/"+id+"/kick", `{"player":"c"}`), 404)
	wantStatus(t, do(t, "POST", base+"/"+id+"/kick", `{"player":"a","reason":"too good"}`), 202)
	if err := <-a.end; err == nil || !strings.Contains(err.Error(), "too good") {
		t.Errorf("the player was told %v", err)
	}
	wantStatus(t, do(t, "POST", base+"/"+id+"/admin", `[1]`), 202)
	wantProblem(t, do(t, "POST", base+"/"+id+"/admin", `"`+strings.Repeat("x", 70_000)+`"`), 413)
	var m admin.Match
	ended := wantStatus(t, do(t, "POST", base+"/"+id+"/end", `{"result":{"winner":"b"}}`), 200)
	if err := json.Unmarshal(ended.body, &m); err != nil || string(m.Result) != `{"winner":"b"}` || m.Outcome != "finished" || m.Ended.Before(m.Started) {
		t.Errorf("ended as %s", ended.body)
	}
	if got := <-b.told; got != fmt.Sprint(schema.MessageResult, ` {"winner":"b"}`) {
		t.Errorf("heard %q", got)
	}
	wantProblem(t, do(t, "POST", base+"/"+id+"/end", `{"result":1}`), 409)
	wantProblem(t, do(t, "POST", base+"/"+id+"/kick", `{"player":"b"}`), 409)
	wantProblem(t, do(t, "POST", n.AdminURL()+"/v1/messages", `{"match":"`+id+`","text":"x"}`), 409)
}

// Any node answers for all: results and matches of all nodes in one order, messages to everybody, a drain of another node.
func TestOperatorOfACluster(t *testing.T) {
	nodes := startCluster(t, 3, nil)
	var ids []string
	for i := range 9 {
		a := insist(t, "POST", nodes[i%3].AdminURL()+"/v1/matches", fmt.Sprintf(`{"game":"tag","labels":{"n":"%d"}}`, i%3))
		ids = append(ids, a.field(t, "match_id"))
	}
	labelled := []string{ids[1], ids[4], ids[7]}
	slices.Sort(labelled)
	for _, n := range nodes {
		eventually(t, "all with a label are listed", func() bool { return slices.Equal(listMatches(t, n, "label=n=1"), labelled) })
		eventually(t, "all matches are told", func() bool {
			return string(do(t, "POST", n.AdminURL()+"/v1/messages", `{"text":"to all"}`).body) == `{"matches":9,"players":0}`
		})
	}
	for i, id := range ids[:6] {
		finish(t, "POST", nodes[(i+1)%3].AdminURL()+"/v1/matches/"+id+"/end", fmt.Sprintf(`{"result":%d}`, i), 200)
	}
	want := slices.Sorted(slices.Values(ids[:6]))
	for _, n := range nodes {
		var got []string
		for _, m := range listResults(t, n, "limit=2") {
			got = append(got, m.ID)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("results of %v, want %v", got, want)
		}
	}
	eventually(t, "metrics of the cluster", func() bool {
		a := do(t, "GET", nodes[1].AdminURL()+"/metrics", "")
		return strings.Contains(string(a.body), `overtime_cluster_members{state="alive"} 3`)
	})

	eventually(t, "the node is seen to drain, and empty", func() bool { // to ask for that again is no error
		wantStatus(t, insist(t, "POST", nodes[0].AdminURL()+"/v1/nodes/"+nodes[1].id+"/drain", ""), 202)
		a := do(t, "GET", nodes[2].AdminURL()+"/v1/nodes/"+nodes[1].id, "")
		return a.field(t, "state") == "draining" && nodes[1].matches.count() == 0
	})
	for _, id := range ids[6:] {
		eventually(t, "all know where the match is", func() bool {
			m := show(t, nodes[1], id)
			if m.State == "ended" {
				t.Fatalf("after the drain: %+v", m)
			}
			return m.Owner != nodes[1].id
		})
	}
	for _, id := range ids[6:] {
		finish(t, "DELETE", nodes[1].AdminURL()+"/v1/matches/"+id, "", 204)
	}
	wantProblem(t, do(t, "POST", nodes[0].AdminURL()+"/v1/nodes/none/drain", ""), 404)
	wantStatus(t, insist(t, "POST", nodes[0].AdminURL()+"/v1/messages", `{"node":"`+nodes[2].id+`","text":"x"}`), 200)
}

// A match that went to another node while an operator's request was under way has not ended: the request may be made again.
func TestOperatorMeetsAMove(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	made, err := operator{n}.CreateMatch(t.Context(), admin.MatchSpec{Game: "tag"}, "")
	if err != nil {
		t.Fatal(err)
	}
	h := n.matches.get(made.ID)
	h.match.Retire(loop.OverMoved, "moved")
	if err := h.ended(t.Context()); !errors.Is(err, admin.ErrBusy) {
		t.Errorf("deleting a match that moves: %v", err)
	}
	if err := h.refusal(h.match.Pause(true)); !errors.Is(err, admin.ErrBusy) {
		t.Errorf("pausing a match that moves: %v", err)
	}
	for method, path := range map[string]string{"GET": "", "DELETE": "", "POST": "/tokens"} {
		body := ""
		if method == "POST" {
			body = `{"players":[{"id":"p"}]}`
		}
		wantProblem(t, do(t, method, n.AdminURL()+"/v1/matches/"+made.ID+path, body), http.StatusServiceUnavailable)
	}
}
