package member

import "github.com/hashicorp/memberlist"

// maxBroadcasts wait to be sent on; then those go that were sent most often already.
const maxBroadcasts = 1024

// broadcast is a message in the queue that memberlist empties into its packets. A newer one of the same name takes the
// place of an older one.
type broadcast struct {
	name string
	b    []byte
}

var _ memberlist.NamedBroadcast = (*broadcast)(nil)

// Name returns what is unique in the queue.
func (b *broadcast) Name() string { return b.name }

// Invalidates is not asked for named broadcasts.
func (b *broadcast) Invalidates(other memberlist.Broadcast) bool {
	o, ok := other.(memberlist.NamedBroadcast)
	return ok && o.Name() == b.name
}

// Message returns the bytes to send.
func (b *broadcast) Message() []byte { return b.b }

// Finished is called when the broadcast leaves the queue.
func (b *broadcast) Finished() {}

// spread queues a message, an own one or one to pass on, to be sent to random nodes. b must not change any more.
func (m *Members) spread(e *envelope, b []byte) {
	m.queue.QueueBroadcast(&broadcast{name: string(e.kind) + e.from + " " + e.name, b: b})
	if n := m.waiting(); n > maxBroadcasts {
		m.queue.Prune(maxBroadcasts + 1) // the anchor is never the first to go
		m.count.gossipOverflow.Add(uint64(n - maxBroadcasts))
	}
}

// reach is the size of cluster that sends are counted for: RetransmitMult x ceil(log10(N+1)) of them. From two to nine
// nodes it is that of ten, since four sends are too few to survive bad luck.
func (m *Members) reach() int { return max(10, int(m.alive.Load())) }

// direct sends a message to every living node, one packet each.
func (m *Members) direct(b []byte) {
	for _, peer := range *m.peers.Load() {
		if m.list.SendBestEffort(peer, b) != nil { // no route, or we are closing; memberlist's receivers cannot tell either
			m.count.sendErrors.Add(1)
			continue
		}
		m.count.messagesOut.Add(1)
	}
}
