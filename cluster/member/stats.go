package member

// Stats are plain counters since the start, and a few gauges. What is lost or refused has a counter with its reason.
type Stats struct {
	Alive, Left, Dead int    // nodes in the view
	Health            int    // 0 is well; higher means that this node itself misses answers (Lifeguard)
	Views             uint64 // views made

	Joins, JoinErrors         uint64 // addresses tried by boot, second and rejoin attempts
	MessagesIn, MessagesOut   uint64 // of SendAll, per receiver
	GossipIn, GossipOut       uint64 // distinct messages of Gossip; out counts own ones, not those passed on
	GossipDuplicates          uint64 // came again and were dropped
	GossipOverflow            uint64 // pushed out of the queue before all their sends
	InboxOverflow             uint64 // messages and merges dropped because the callbacks were too slow
	Malformed                 uint64 // authenticated but not understood
	RefusedMeta, RefusedWire  uint64 // announcements of nodes with a broken meta or a wire version outside of the window
	RefusedKey, RefusedLabel  uint64 // packets and streams with a wrong key or damaged, or with a wrong label
	RefusedOther              uint64 // what memberlist reports as an error besides
	PacketsOut, PacketBytes   uint64 // sent by UDP
	StreamsIn, StreamsOut     uint64 // push/pull and probes by TCP
	Suspected, Died, Appeared uint64 // messages that memberlist acted on
}
