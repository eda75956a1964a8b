package member

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Messages have a bound; what changes the view has one entry per node and is never lost.
func TestInboxKeepsTheNewestPerNode(t *testing.T) {
	b := newInbox()
	for range inboxItems {
		if !b.put(item{body: []byte("x")}) {
			t.Fatal("full too early")
		}
	}
	if b.put(item{body: []byte("x")}) {
		t.Error("no bound")
	}
	for i := range 1000 {
		b.node(told(t, fmt.Sprint("n", i%3), i%2 == 0).node, i < 999)
		b.load(nodeLoad{id: "n1", seq: uint64(1000 - i)})
		b.leave("n2")
	}
	got := b.take()
	if len(got.items) != inboxItems || len(got.nodes) != 3 || got.nodes["n0"].alive || !got.nodes["n2"].alive || got.loads["n1"].seq != 1000 || len(got.left) != 1 {
		t.Errorf("%d items, %d nodes, loads %v, left %v", len(got.items), len(got.nodes), got.loads, got.left)
	}
	if again := b.take(); len(again.items)+len(again.nodes)+len(again.loads)+len(again.left) != 0 {
		t.Errorf("twice: %+v", again)
	}
	if !b.put(item{body: make([]byte, inboxBytes)}) || b.put(item{body: []byte("x")}) {
		t.Error("bytes are not bounded")
	}
}

func TestLogIsLimitedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		var c counters
		refuted := 0
		l := newLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})), &c, func() { refuted++ })
		for range 100 {
			l.Printf("[ERR] memberlist: Decrypt packet failed: no installed keys could decrypt the message from=1.2.3.4:5")
			l.Printf("[ERR] memberlist: discarding packet with unacceptable label %q: from=1.2.3.4:5", "x")
			l.Printf("[ERR] memberlist: Received invalid msgType (9)")
			l.Printf("[WARN] memberlist: Refuting a suspect message")
			l.Printf("[DEBUG] memberlist: Stream connection")
		}
		if c.refusedKey.Load() != 100 || c.refusedLabel.Load() != 100 || c.errors.Load() != 100 {
			t.Errorf("counted %d, %d, %d", c.refusedKey.Load(), c.refusedLabel.Load(), c.errors.Load())
		}
		if refuted != 100 {
			t.Errorf("%d answers to suspicions were noticed", refuted)
		}
		if n := strings.Count(out.String(), "level=WARN"); n != logBurst {
			t.Errorf("%d warnings", n)
		}
		if n := strings.Count(out.String(), "level=DEBUG"); n != 100 {
			t.Errorf("%d lines for debugging", n)
		}
		time.Sleep(logWindow)
		out.Reset()
		l.Printf("[WARN] memberlist: again")
		if got := out.String(); !strings.Contains(got, "gossip: again") || !strings.Contains(got, "dropped=380") {
			t.Errorf("%s", got)
		}
	})
}
