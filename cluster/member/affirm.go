package member

import (
	"strings"
	"time"

	"github.com/hashicorp/memberlist"
)

// memberlist's queue of broadcasts (v0.7.0) loses one now and then. It counts its entries from 1 again whenever it runs
// empty, also for the moment in which an entry replaces the only other one, and two entries of the same number, length
// and count of sends are one to its tree: the older is gone. Announcements of nodes have all the same length.
//
// When what gets lost is a node's answer to a suspicion, nobody hears of its new incarnation, and the node takes all that
// follows for an old story: everybody declares it dead, and only the next push/pull brings it back. (Measured at 20 nodes
// and 20 % packet loss: one wrong death in about 80 minutes.) So an accused node announces itself until it knows that the
// announcement was sent: UpdateNode waits for just that.

const (
	affirmAfter = 2 * gossipInterval     // the first answer goes out alone, else both could share an entry
	affirmWait  = 600 * time.Millisecond // for all sends of one announcement, two or three times what they take
	affirmTries = 5
)

// accused notes that memberlist answered a suspicion. It is called under memberlist's lock.
func (m *Members) accused() {
	m.count.refuted.Add(1)
	select {
	case m.doubts <- struct{}{}:
	default:
	}
}

// isRefutation recognizes memberlist's log line, the only sign of a suspicion.
func isRefutation(text string) bool { return strings.Contains(text, "Refuting a ") }

// affirm is the goroutine that repeats the answers.
func (m *Members) affirm() {
	defer m.wg.Done()
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-m.doubts:
		}
		if m.sleep(m.ctx, affirmAfter) != nil || m.left.Load() {
			continue
		}
		for range affirmTries {
			err := m.list.UpdateNode(affirmWait)
			if err == nil || m.ctx.Err() != nil || m.left.Load() {
				break
			}
			m.log.Debug("announcement was not sent, once more", "err", err)
		}
	}
}

// anchor keeps our own queue from ever being empty: it fits into no packet, so it is never sent.
type anchor struct{}

var anchorBytes = make([]byte, 2*packetBytes)

// Name is no name of a broadcast.
func (anchor) Name() string { return "anchor" }

// Message returns more than fits.
func (anchor) Message() []byte { return anchorBytes }

// Invalidates nothing.
func (anchor) Invalidates(memberlist.Broadcast) bool { return false }

// Finished is never called.
func (anchor) Finished() {}

// waiting counts the broadcasts in our own queue.
func (m *Members) waiting() int { return m.queue.NumQueued() - 1 }
