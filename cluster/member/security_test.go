package member_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/overtime-server/overtime/cluster/member"
)

func testKey(i byte) []byte { return bytes.Repeat([]byte{i}, 32) }

// Keys change under traffic, and nobody is lost on the way.
func TestKeysRotate(t *testing.T) {
	simulate(t, 13, func(t *testing.T, c *cluster) {
		one, two := testKey(1), testKey(2)
		for i := range 5 {
			c.add(fmt.Sprintf("h%02d", i), []string{"h00"}, func(cfg *member.Config) { cfg.Keys = [][]byte{one} })
		}
		c.agree(5*time.Second, c.nodes...)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		sent, first := 0, c.nodes[0]
		wg.Go(func() {
			for ; ; sent++ {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
					first.SendAll(fmt.Append(nil, sent))
				}
			}
		})
		for _, keys := range [][][]byte{{one, two}, {two, one}, {two}} {
			for _, n := range c.nodes {
				if err := n.SetKeys(keys); err != nil {
					t.Fatal(err)
				}
				time.Sleep(700 * time.Millisecond)
			}
		}
		late := c.add("late", []string{"h00"}, func(cfg *member.Config) { cfg.Keys = [][]byte{two} })
		c.agree(5*time.Second, c.nodes...)
		close(stop)
		wg.Wait()
		time.Sleep(time.Second)
		if d := deaths(c.nodes...); len(d) > 0 {
			t.Errorf("%v", d)
		}
		for _, n := range c.nodes {
			if s := n.Stats(); s.RefusedKey > 0 || s.Errors > 0 || n != late && n != first && s.MessagesIn != uint64(sent) {
				t.Errorf("%s: of %d messages %+v", n.id, sent, s)
			}
		}
		c.nodes = append(c.nodes, c.add("old", []string{"h00"}, func(cfg *member.Config) { cfg.Keys = [][]byte{one} }))
		time.Sleep(5 * time.Second)
		if v := c.nodes[0].View(); v.Alive() != 6 {
			t.Errorf("the old key lets a node in: %v", living(v))
		}
		for _, bad := range [][][]byte{nil, {one[:5]}} {
			if c.nodes[0].SetKeys(bad) == nil {
				t.Errorf("keys %v were taken", bad)
			}
		}
	})
}

// Who has another key, another label or no key stays out, and is counted.
func TestStrangersStayOut(t *testing.T) {
	simulate(t, 14, func(t *testing.T, c *cluster) {
		c.grow(3)
		inside := c.nodes[:3:3]
		strangers := []*node{
			c.add("key", []string{"h00"}, func(cfg *member.Config) { cfg.Keys = [][]byte{testKey(9)} }),
			c.add("label", []string{"h00"}, func(cfg *member.Config) { cfg.Label = "other" }),
		}
		plain := memberlist.DefaultLANConfig()
		plain.Name, plain.Transport, plain.Label = "plain", c.net.Host("plain").Transport(), "test"
		plain.LogOutput = &bytes.Buffer{}
		list, err := memberlist.Create(plain)
		if err != nil {
			t.Fatal(err)
		}
		defer list.Shutdown()
		if _, err := list.Join([]string{inside[0].Addr()}); err == nil {
			t.Error("joined without a key")
		}
		time.Sleep(10 * time.Second)
		c.agree(0, inside...)
		for _, n := range strangers {
			if n.Joined() || n.View().Alive() != 1 {
				t.Errorf("%s joined: %v", n.id, living(n.View()))
			}
		}
		if s := inside[0].Stats(); s.RefusedKey == 0 || s.RefusedLabel == 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Garbage and repeated packets change nothing and are counted.
func TestGarbageAndReplayChangeNothing(t *testing.T) {
	simulate(t, 15, func(t *testing.T, c *cluster) {
		taps := make([]*tap, 4)
		for i := range taps {
			c.add(fmt.Sprintf("h%02d", i), []string{"h00"}, func(cfg *member.Config) {
				taps[i] = &tap{NodeAwareTransport: cfg.Transport.(memberlist.NodeAwareTransport)}
				cfg.Transport = taps[i]
			})
		}
		c.agree(5*time.Second, c.nodes...)
		victim, chatty, gone := c.nodes[0], c.nodes[1], c.nodes[3]
		for i := range 20 {
			chatty.SendAll(fmt.Append(nil, "direct ", i))
			chatty.Gossip(fmt.Sprint(i), fmt.Append(nil, "gossip ", i))
			chatty.SetLoad(member.Load{Players: i})
			time.Sleep(200 * time.Millisecond)
		}
		gone.Leave(t.Context())
		gone.Close()
		time.Sleep(5 * time.Second)

		before, was := victim.View(), victim.Stats()
		mallory := c.net.Host("mallory").Transport()
		defer mallory.Shutdown()
		packets := 0
		for _, tap := range taps {
			for _, b := range tap.packets() {
				packets++
				mallory.WriteTo(b, victim.Addr())
				for _, bad := range [][]byte{b[:len(b)/2], append([]byte{b[0] ^ 1}, b[1:]...), append(b[:len(b)-1:len(b)-1], b[len(b)-1]^1), nil} {
					mallory.WriteTo(bad, victim.Addr())
				}
				if conn, err := mallory.DialTimeout(victim.Addr(), time.Second); err == nil && packets%50 == 0 {
					conn.Write(b)
					conn.Close()
				} else if err == nil {
					conn.Close()
				}
				time.Sleep(time.Millisecond)
			}
		}
		time.Sleep(5 * time.Second)
		after, now := victim.View(), victim.Stats()
		if a, b := fmt.Sprint(living(before)), fmt.Sprint(living(after)); a != b {
			t.Errorf("before %s, after %s", a, b)
		}
		if n, _ := after.Node(gone.id); n.State != member.Left {
			t.Errorf("who left is %v", n.State)
		}
		if now.MessagesIn != was.MessagesIn || now.GossipIn != was.GossipIn {
			t.Errorf("repeated messages were taken: %+v", now)
		}
		if now.Duplicates <= was.Duplicates+20 || now.RefusedKey-was.RefusedKey < uint64(packets) {
			t.Errorf("%d packets: before %+v, after %+v", packets, was, now)
		}
		c.agree(0, c.nodes[:3]...)
		if d := deaths(c.nodes[:3]...); len(d) > 0 {
			t.Errorf("%v", d)
		}
	})
}

// tap keeps what a transport sends.
type tap struct {
	memberlist.NodeAwareTransport
	mu   sync.Mutex
	sent [][]byte
}

func (p *tap) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	p.mu.Lock()
	p.sent = append(p.sent, bytes.Clone(b))
	p.mu.Unlock()
	return p.NodeAwareTransport.WriteToAddress(b, a)
}

// packets returns what was sent so far.
func (p *tap) packets() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sent)
}

// lines is a log that a test looks into.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.b.String(), text)
}

func TestVersionsThatDoNotFitStayOut(t *testing.T) {
	simulate(t, 16, func(t *testing.T, c *cluster) {
		log := &lines{}
		c.add("h00", nil, func(cfg *member.Config) { cfg.Log = slog.New(slog.NewTextHandler(log, nil)) })
		c.add("h01", []string{"h00"})
		c.add("next", []string{"h00"}, func(cfg *member.Config) { cfg.Meta.Wire = 4 })
		inside := c.nodes[:3:3]
		c.agree(5*time.Second, inside...) // one apart fits
		for wire, host := range map[uint8]string{1: "old", 5: "new"} {
			n := c.add(host, []string{"h00", "next"}, func(cfg *member.Config) { cfg.Meta.Wire, cfg.Meta.Build = wire, "b-"+host })
			time.Sleep(5 * time.Second)
			for _, x := range inside {
				if _, ok := x.View().Node(n.id); ok {
					t.Errorf("wire version %d is in the view of %s", wire, x.host.Name())
				}
			}
			if n.View().Alive() > 1 {
				t.Errorf("wire version %d sees %v", wire, living(n.View()))
			}
			if want := fmt.Sprintf("speaks wire version %d", wire); !log.has(want) || !log.has("b-"+host) {
				t.Errorf("the log does not say %q", want)
			}
		}
		c.agree(0, inside...)
		if s := inside[0].Stats(); s.RefusedWire == 0 {
			t.Errorf("%+v", s)
		}
	})
}
