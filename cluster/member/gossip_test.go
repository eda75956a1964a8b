package member

import (
	"testing"

	"github.com/hashicorp/memberlist"
)

// The queue of memberlist loses a broadcast when an entry replaces the only other one and a third of the same length
// comes before the next packet. With the anchor in it nothing is lost. When the first half of this test fails, memberlist
// has mended it: then the anchor and affirm can go.
func TestAnchorKeepsBroadcasts(t *testing.T) {
	for _, anchored := range []bool{false, true} {
		q := &memberlist.TransmitLimitedQueue{NumNodes: func() int { return 10 }, RetransmitMult: retransmits}
		if anchored {
			q.QueueBroadcast(anchor{})
		}
		put := func(name, body string) { q.QueueBroadcast(&broadcast{name: name, b: []byte(body)}) }
		put("a", "first of a")
		q.GetBroadcasts(2, 1000)
		put("a", "other of a")
		put("b", "first of b")
		sent := map[string]int{}
		for range 100 {
			for _, b := range q.GetBroadcasts(2, 1000) {
				sent[string(b)]++
			}
		}
		lost := sent["other of a"] == 0
		if lost == anchored || sent["first of b"] != 2*retransmits || anchored && sent["other of a"] != 2*retransmits {
			t.Errorf("anchored %v: sent %v", anchored, sent)
		}
	}
}

func TestQueueIsBounded(t *testing.T) {
	m := newMembers(Config{ID: "n1"})
	for i := range maxBroadcasts + 100 {
		e := envelope{kind: kindGossip, from: "n1", seq: uint64(i + 1), name: string(rune(i + 1000))}
		m.spread(&e, e.append(nil))
	}
	if m.waiting() != maxBroadcasts || m.count.gossipOverflow.Load() != 100 {
		t.Errorf("%d wait, %d overflowed", m.waiting(), m.count.gossipOverflow.Load())
	}
	for len(m.queue.GetBroadcasts(2, 1400)) > 0 {
	}
	if m.waiting() != 0 {
		t.Errorf("%d wait for ever", m.waiting())
	}
}
