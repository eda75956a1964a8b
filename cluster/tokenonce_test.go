package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
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
	useUnsure              // welcomed, and the connection ended before it was known whether the answer had come: its owner may have been taken over
)

func (u use) String() string {
	return [...]string{"nothing", "used", "refused", "replaced", "maybe used"}[u]
}

// try comes to a node with the token and returns what became of it. Who was welcomed and is sent elsewhere after that does not show it once more:
// it is spent if the answer came, and a real client has the next one.
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
		if c.move == "" || c.next != "" {
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
	if c.outcome == useDone {
		return
	}
	if c.next != "" {
		c.outcome = useUnsure
	}
	if !errors.As(err, &e) {
		return
	}
	switch schema.CloseCode(e.Code) {
	case schema.CloseResumeToken:
		c.outcome = useRefused
	case schema.CloseReplaced:
		if c.next == "" {
			c.outcome = useReplaced
		}
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

// spentModel: a token is used once; from then on it is refused. The states are whether it is spent.
var spentModel = (&porcupine.NondeterministicModel{
	Init: func() []any { return []any{false} },
	Step: func(state, _, output any) []any {
		spent := state.(bool)
		switch output.(use) {
		case useDone:
			if spent {
				return nil
			}
			return []any{true}
		case useRefused:
			if !spent {
				return nil
			}
		case useUnsure:
			if !spent {
				return []any{false, true}
			}
		}
		return []any{spent}
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%v: %v", in, out) },
}).ToModel()

// A resume token is used once in the whole cluster, whichever nodes it is shown to at the same time, also when the match changes its node
// in between, or sends its players away as one does that is cut off.
func TestResumeTokenIsUsedOnce(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t, 3, nil)
	id := insist(t, "POST", nodes[0].AdminURL()+"/v1/matches", `{"game":"tag"}`).field(t, "match_id")
	eventually(t, "the match is protected", func() bool { return show(t, nodes[0], id).Protected })
	_, signed := seatToken(t, nodes[0], id, "ann")
	token, harassed := "", false
	for round, used := 0, 0; used < 4; round++ {
		eventually(t, "a player is in", func() bool {
			if token == "" { // at first, and when the connection was lost that brought the next one
				if c := try(nodes[0].meta.URL, schema.Hello{Version: schema.Version, Token: signed}); c.outcome == useDone {
					token = c.next
				}
			}
			return token != ""
		})
		calm := func() {}
		switch {
		case used == 1 && !harassed:
			harassed, calm = true, harass(nodes, id)
		case used == 2:
			moveSomewhere(t, nodes, id)
		}
		next, history := contend(nodes, token, round)
		calm()
		if !porcupine.CheckOperations(spentModel, history) {
			t.Fatalf("round %d: no order of these is right: %v", round, history)
		}
		unsure := slices.ContainsFunc(history, func(o porcupine.Operation) bool { return o.Output == useUnsure })
		switch {
		case next != "":
			used++
		case round > 40 || !unsure:
			t.Fatalf("round %d: nobody got in: %v", round, history)
		}
		token = next
	}
}

// contend shows a resume token to random nodes, by six clients at once and then until it is refused. It returns the token that who got in
// was given, and what became of each try.
func contend(nodes []*Node, token string, round int) (next string, history []porcupine.Operation) {
	var mu sync.Mutex
	begin := time.Now()
	attempt := func(client int) use {
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
		return c.outcome
	}
	var all sync.WaitGroup
	for client := range 6 {
		all.Go(func() {
			time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
			attempt(client)
		})
	}
	all.Wait()
	for range 50 { // afterwards it is spent, at the latest by this one
		if attempt(6) == useRefused {
			break
		}
	}
	return next, history
}

// harass sends a match's players to another node, again and again for a while. The function that it returns waits for the end of that.
func harass(nodes []*Node, id string) (wait func()) {
	var done sync.WaitGroup
	done.Go(func() {
		for range 10 {
			time.Sleep(15 * time.Millisecond)
			owner, _ := playing(nodes, id)
			i := slices.Index(nodes, owner)
			if i < 0 {
				continue
			}
			if h := owner.matches.get(id); h != nil {
				h.match.SendAway(nodes[(i+1)%len(nodes)].meta.URL)
			}
		}
	})
	return done.Wait
}

// moveSomewhere moves a match to its standby.
func moveSomewhere(t *testing.T, nodes []*Node, id string) {
	t.Helper()
	eventually(t, "the match moves", func() bool {
		from, _ := playing(nodes, id)
		if from == nil || from.matches.get(id) == nil {
			return false
		}
		standby := show(t, from, id).Standby
		h := from.matches.get(id)
		return h != nil && standby != "" && from.moveMatch(t.Context(), h, standby) == nil
	})
}
