package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// call makes a request of the admin API of a node.
func (n *simNode) call(ctx context.Context, method, uri, body, key string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, method, uri, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer key")
	r.Header.Set("Idempotency-Key", key)
	w := httptest.NewRecorder()
	n.api.ServeHTTP(w, r)
	return w
}

// ticketPair has two players look for a match through a node until they have one, and returns how long that took; an error says what the last
// answer was.
func (w *simWorld) ticketPair(n *simNode, queue string, number int, limit time.Duration) (time.Duration, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var both sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		both.Go(func() {
			body := fmt.Sprintf(`{"queue":%q,"game":"ledger","size":2,"players":[{"id":"p%d-%d"}]}`, queue, number, i)
			for ctx.Err() == nil {
				a := n.call(ctx, "POST", "/v1/tickets", body, fmt.Sprint(number, i))
				var x TicketInfo
				if errs[i] = fmt.Errorf("%d %s", a.Code, a.Body); a.Code == 201 && json.Unmarshal(a.Body.Bytes(), &x) == nil {
					a = n.call(ctx, "GET", "/v1/tickets/"+x.ID+"?wait=30s", "", "")
					errs[i] = fmt.Errorf("%d %s", a.Code, a.Body)
					if a.Code == 200 && json.Unmarshal(a.Body.Bytes(), &x) == nil && x.Assignment != nil {
						errs[i] = nil
						return
					}
				}
				time.Sleep(100 * time.Millisecond)
			}
		})
	}
	both.Wait()
	for _, err := range errs {
		if err != nil {
			return time.Since(began), err
		}
	}
	return time.Since(began), nil
}

// The second of a queue takes over, however its home died. Where that was killed nobody waits for membership: gossip goes on, through a host of
// its own. Where it is silent most are quicker than membership; at the latest they take over when that knows, after up to 5 s.
func TestQueueOutlivesItsHome(t *testing.T) {
	for _, c := range []struct {
		name  string
		nodes int
		fault func(w *simWorld, n *simNode)
		most  time.Duration // for two players to get a match
		blind bool          // membership does not notice
	}{
		{"killed", 4, func(_ *simWorld, n *simNode) { n.host.Kill() }, 5 * time.Second, true},
		{"its host is lost", 4, func(_ *simWorld, n *simNode) { n.host.Isolate() }, 10 * time.Second, false},
		{"stands still", 4, func(w *simWorld, n *simNode) { w.pause(n, true) }, 10 * time.Second, false},
		{"killed, and one is left", 2, (*simWorld).kill, 10 * time.Second, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			simulate(t, *simSeed, func(w *simWorld) {
				if c.blind {
					w.gossipApart()
				}
				w.grow(c.nodes)
				if took, err := w.ticketPair(w.nodes[0], "q", 0, time.Minute); err != nil || took > 5*time.Second {
					t.Fatalf("before: %v after %v", err, took)
				}
				time.Sleep(recentDeath + 3*time.Second) // a match is made once for its id only with most of every membership since then
				var home, other *simNode
				for _, n := range w.nodes {
					if n.tickets.isHome("q") {
						home = n
					}
				}
				for _, n := range w.nodes {
					if n != home {
						other = n
					}
				}
				c.fault(w, home)
				took, err := w.ticketPair(other, "q", 1, time.Minute)
				if err != nil || took > c.most {
					t.Errorf("after: %v after %v", err, took)
				}
				if known := len(other.others()); c.blind && known != c.nodes-1 {
					t.Errorf("%d other nodes are known: membership has noticed", known)
				}
				t.Logf("%v", took)
			})
		})
	}
}
