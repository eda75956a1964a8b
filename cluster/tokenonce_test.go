package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/lxzan/gws"

	"github.com/overtime-server/overtime/schema"
)

// comer tries one token at one node, and where that sends it, by hand: the real client keeps its resume tokens to itself.
type comer struct {
	gws.BuiltinEventHandler
	hello   schema.Hello
	answers int // ticks of state that came after the answer to the welcome

	outcome use
	next    string // resume token that the welcome brought
	move    string
}

// use is what became of a token.
type use uint8

const (
	useNothing  use = iota // the connection ended, or nobody let it in: that says nothing
	useDone                // welcomed, answered, and served after that
	useRefused             // 4006: used before
	useReplaced            // 4005: somebody else came with the same token before this one had answered, or after
)

func (u use) String() string { return [...]string{"nothing", "used", "refused", "replaced"}[u] }

// try comes to a node with the token and returns what became of it.
func try(url string, hello schema.Hello) *comer {
	for range 4 {
		c := &comer{hello: hello}
		ws, _, err := gws.NewClient(c, &gws.ClientOption{
			Addr: url, RequestHeader: http.Header{"Sec-Websocket-Protocol": {schema.Subprotocol}}, HandshakeTimeout: patience,
		})
		if err != nil {
			return c
		}
		_ = ws.SetReadDeadline(time.Now().Add(patience))
		ws.ReadLoop()
		if c.move == "" {
			return c
		}
		url = c.move
	}
	return &comer{}
}

func (c *comer) OnOpen(ws *gws.Conn) {
	var w schema.ClientWriter
	_ = ws.WriteMessage(gws.OpcodeBinary, w.Hello(&c.hello)) // the read loop sees the end
}

func (c *comer) OnPing(ws *gws.Conn, payload []byte) { _ = ws.WritePong(payload) }

func (c *comer) OnClose(_ *gws.Conn, err error) {
	var e *gws.CloseError
	if !errors.As(err, &e) || c.outcome == useDone {
		return
	}
	switch schema.CloseCode(e.Code) {
	case schema.CloseResumeToken:
		c.outcome = useRefused
	case schema.CloseReplaced:
		c.outcome = useReplaced
	}
}

func (c *comer) OnMessage(ws *gws.Conn, msg *gws.Message) {
	defer msg.Close()
	m, err := schema.VerifyServer(msg.Bytes())
	if err != nil {
		return
	}
	var out schema.ClientWriter
	if x, ok := schema.ReadWelcome(&m); ok {
		c.next, c.answers = x.Resume, 1
		_ = ws.WriteMessage(gws.OpcodeBinary, out.Ping(1)) // the answer that spends the token
		return
	}
	if x, ok := schema.ReadMove(&m); ok {
		c.move = x.URL
		return
	}
	if c.answers == 0 || !schema.IsFrame(&m) {
		return
	}
	if c.answers++; c.answers > 8 { // ticks enough for the answer to have counted
		c.outcome = useDone
		_ = ws.NetConn().Close()
	}
}

// spentModel: a token is used once; from then on it is refused.
var spentModel = porcupine.Model{
	Init: func() any { return false },
	Step: func(state, _, output any) (bool, any) {
		spent := state.(bool)
		switch output.(use) {
		case useDone:
			return !spent, true
		case useRefused:
			return spent, spent
		}
		return true, spent
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%v: %v", in, out) },
}

// A resume token is used once in the whole cluster, whichever nodes it is shown to at the same time, also when the match changes its node
// in between.
func TestResumeTokenIsUsedOnce(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 3, nil)
	id := insist(t, "POST", nodes[0].AdminURL()+"/v1/matches", `{"game":"tag"}`).field(t, "match_id")
	eventually(t, "the match is protected", func() bool { return show(t, nodes[0], id).Protected })
	var signed struct{ Tokens map[string]string }
	if err := json.Unmarshal(insist(t, "POST", nodes[0].AdminURL()+"/v1/matches/"+id+"/tokens", `{"players":[{"id":"ann"}]}`).body, &signed); err != nil {
		t.Fatal(err)
	}
	first := try(nodes[0].meta.URL, schema.Hello{Version: schema.Version, Token: signed.Tokens["ann"]})
	if first.outcome != useDone {
		t.Fatalf("first join: %v", first.outcome)
	}
	begin, used := time.Now(), 0
	for round, token := 0, first.next; round < 4; round++ {
		if round == 2 {
			from := ownerOf(nodes, id)
			if err := from.moveMatch(t.Context(), from.matches.get(id), show(t, from, id).Standby); err != nil {
				t.Fatal(err)
			}
		}
		var mu sync.Mutex
		var history []porcupine.Operation
		next := ""
		attempt := func(client int) {
			n := nodes[rand.IntN(len(nodes))]
			called := time.Since(begin)
			c := try(n.meta.URL, schema.Hello{Version: schema.Version, Resume: token})
			mu.Lock()
			defer mu.Unlock()
			history = append(history, porcupine.Operation{
				ClientId: client, Input: round, Call: int64(called), Output: c.outcome, Return: int64(time.Since(begin)),
			})
			if c.outcome == useDone {
				next = c.next
			}
		}
		var all sync.WaitGroup
		for client := range 6 {
			all.Go(func() {
				time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
				attempt(client)
			})
		}
		all.Wait()
		attempt(6) // once more, afterwards
		if !porcupine.CheckOperations(spentModel, history) {
			t.Errorf("round %d: no order of these is right: %v", round, history)
		}
		if next == "" {
			t.Fatalf("round %d: nobody got in: %v", round, history)
		}
		if history[len(history)-1].Output != useRefused {
			t.Errorf("round %d: a spent token was %v", round, history[len(history)-1].Output)
		}
		used++
		token = next
	}
	if used != 4 {
		t.Errorf("%d tokens were used", used)
	}
}
