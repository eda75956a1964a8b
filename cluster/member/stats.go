package member

import "sync/atomic"

// Stats are plain counters since the start, and a few gauges. What is lost or refused has a counter with its reason.
type Stats struct {
	Alive, Left, Dead int    // nodes in the view
	Health            int    // 0 is well; higher means that this node itself misses answers (Lifeguard)
	GossipQueue       int    // broadcasts that wait to be sent on
	Views             uint64 // views made

	Joins, JoinErrors         uint64 // addresses tried by boot, second and rejoin attempts: answered, or not
	ResolveErrors             uint64 // names of Config.Join that had no address
	MessagesIn, MessagesOut   uint64 // of SendAll, counted per receiver
	SendErrors                uint64 // packets of SendAll that could not be sent
	GossipIn, GossipOut       uint64 // distinct messages of Gossip; out counts own ones, not those passed on
	Duplicates                uint64 // messages that came again, as gossip does and replayed packets do: dropped
	GossipOverflow            uint64 // pushed out of the queue before all their sends
	InboxOverflow             uint64 // messages and merges dropped because the callbacks were too slow
	StateOverflow             uint64 // results of Config.State that were too long to be sent
	OriginOverflow            uint64 // messages of too many unknown nodes
	Malformed                 uint64 // authenticated but not understood
	RefusedMeta, RefusedWire  uint64 // announcements of nodes with a broken meta or a wire version outside of the window
	RefusedKey, RefusedLabel  uint64 // packets and streams with a wrong key or damaged, or with a wrong label
	Errors                    uint64 // other errors that memberlist reported: malformed packets, failed probes and syncs
	PacketsOut, PacketBytes   uint64 // sent by UDP
	StreamsIn, StreamsOut     uint64 // push/pull and probes by TCP
	Appeared, Suspected, Died uint64 // messages that memberlist acted on
	Refuted                   uint64 // suspicions of this node that it answered
}

// counters are those of Stats that are not gauges of the view.
type counters struct {
	health                                       atomic.Int64
	views, joins, joinErrors, resolveErrors      atomic.Uint64
	messagesIn, messagesOut, sendErrors          atomic.Uint64
	gossipIn, gossipOut, duplicates              atomic.Uint64
	gossipOverflow, inboxOverflow, stateOverflow atomic.Uint64
	originOverflow, malformed                    atomic.Uint64
	refusedMeta, refusedWire                     atomic.Uint64
	refusedKey, refusedLabel, errors             atomic.Uint64
	packetsOut, packetBytes                      atomic.Uint64
	streamsIn, streamsOut                        atomic.Uint64
	appeared, suspected, died, refuted           atomic.Uint64
}

// stats copies the counters.
func (c *counters) stats() Stats {
	return Stats{
		Health: int(c.health.Load()), Views: c.views.Load(),
		Joins: c.joins.Load(), JoinErrors: c.joinErrors.Load(), ResolveErrors: c.resolveErrors.Load(),
		MessagesIn: c.messagesIn.Load(), MessagesOut: c.messagesOut.Load(), SendErrors: c.sendErrors.Load(),
		GossipIn: c.gossipIn.Load(), GossipOut: c.gossipOut.Load(), Duplicates: c.duplicates.Load(),
		GossipOverflow: c.gossipOverflow.Load(), InboxOverflow: c.inboxOverflow.Load(), StateOverflow: c.stateOverflow.Load(),
		OriginOverflow: c.originOverflow.Load(), Malformed: c.malformed.Load(),
		RefusedMeta: c.refusedMeta.Load(), RefusedWire: c.refusedWire.Load(),
		RefusedKey: c.refusedKey.Load(), RefusedLabel: c.refusedLabel.Load(), Errors: c.errors.Load(),
		PacketsOut: c.packetsOut.Load(), PacketBytes: c.packetBytes.Load(),
		StreamsIn: c.streamsIn.Load(), StreamsOut: c.streamsOut.Load(),
		Appeared: c.appeared.Load(), Suspected: c.suspected.Load(), Died: c.died.Load(), Refuted: c.refuted.Load(),
	}
}
