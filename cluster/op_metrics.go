package cluster

import "github.com/overtime-server/overtime/cluster/admin"

// clusterCounters gathers what /metrics shows of the cluster; nil for a lone node.
func (n *Node) clusterCounters() *admin.ClusterCounters {
	if n.members == nil {
		return nil
	}
	c := &admin.ClusterCounters{
		Members: map[string]int{}, Parts: map[string]int{"owner": 0, "other": 0}, Gauges: map[string]int{},
		Totals: map[string]uint64{}, Errors: map[string]uint64{},
	}
	n.countMembers(c)
	n.countLinks(c)
	n.countDirectory(c)
	n.countDuties(c)
	return c
}

func (n *Node) countMembers(c *admin.ClusterCounters) {
	m := n.members.Stats()
	c.Members["alive"], c.Members["left"], c.Members["dead"] = m.Alive, m.Left, m.Dead
	c.Gauges["gossip_health"], c.Gauges["gossip_queue"] = m.Health, m.GossipQueue
	c.Totals["member_packets_out"], c.Totals["member_packet_bytes_out"] = m.PacketsOut, m.PacketBytes
	c.Totals["member_appeared"], c.Totals["member_suspected"], c.Totals["member_died"] = m.Appeared, m.Suspected, m.Died
	c.Totals["member_messages_in"], c.Totals["member_messages_out"] = m.MessagesIn, m.MessagesOut
	c.Errors["member_join"], c.Errors["member_resolve"], c.Errors["member_send"] = m.JoinErrors, m.ResolveErrors, m.SendErrors
	c.Errors["member_overflow"] = m.GossipOverflow + m.InboxOverflow + m.StateOverflow + m.OriginOverflow
	c.Errors["member_malformed"], c.Errors["member_refused_key"], c.Errors["member_other"] = m.Malformed, m.RefusedKey, m.Errors
	c.Errors["member_refused_label"], c.Errors["member_refused_version"] = m.RefusedLabel, m.RefusedMeta+m.RefusedWire
}

func (n *Node) countLinks(c *admin.ClusterCounters) {
	l := n.links.Stats()
	c.Gauges["links"], c.Gauges["link_breakers_open"], c.Gauges["link_bulk"] = l.Connected, l.BreakersOpen, l.BulkOpen
	c.Totals["link_dials"], c.Totals["link_accepts"] = l.Dials, l.Accepts
	c.Totals["link_messages_in"], c.Totals["link_messages_out"] = l.MessagesIn, l.MessagesOut
	c.Totals["link_bytes_in"], c.Totals["link_bytes_out"], c.Totals["link_writes"] = l.BytesIn, l.BytesOut, l.Writes
	c.Totals["link_calls_in"], c.Totals["link_calls_out"] = l.CallsIn, l.CallsOut
	c.Errors["link_dial"], c.Errors["link_tls"], c.Errors["link_breaker_opened"] = l.DialsFailed, l.TLSRefused, l.BreakerOpened
	for prefix, counts := range map[string]map[string]uint64{
		"link_call_": l.CallErrors, "link_refused_": l.Refused, "link_drop_": l.Drops, "link_end_": l.Disconnects,
	} {
		for name, v := range counts {
			c.Errors[prefix+name] = v
		}
	}
}

func (n *Node) countDirectory(c *admin.ClusterCounters) {
	d := n.dir.Stats()
	c.Gauges["directory_live"], c.Gauges["directory_tombstones"] = d.Live, d.Tombstones
	c.Totals["directory_changed"], c.Totals["directory_stale"], c.Totals["directory_answered"] = d.Changed, d.Stale, d.Answered
	c.Errors["directory_invalid"], c.Errors["directory_full"], c.Errors["directory_conflict"] = d.Invalid, d.Full, d.Conflicts
	c.Errors["directory_lost"], c.Errors["directory_dropped"], c.Errors["directory_gone"] = d.DeclaredLost, d.Dropped, d.Gone
}

func (n *Node) countDuties(c *admin.ClusterCounters) {
	for _, d := range n.duties.list() {
		part := "other"
		if n.matches.get(d.match) != nil {
			part = "owner"
		}
		c.Parts[part]++
	}
	c.Errors["duty_malformed"], c.Errors["duty_dropped"], c.Errors["duty_crowded"] =
		n.duties.malformed.Load(), n.duties.dropped.Load(), n.duties.crowded.Load()
	c.Errors["duty_laggard"] = n.duties.laggards.Load()
	r := &n.duties.replicas
	c.Totals["replica_messages"], c.Totals["replica_bytes"] = r.Messages.Load(), r.Bytes.Load()
	c.Totals["replica_applied"], c.Totals["replica_snapshots"] = r.Applied.Load(), r.Snapshots.Load()
	c.Totals["replica_swaps"], c.Totals["replica_resumed"] = r.Swaps.Load(), r.Resumed.Load()
	c.Errors["replica_blocked"], c.Errors["replica_overflow"], c.Errors["replica_oversize"] = r.Blocked.Load(), r.Overflow.Load(), r.Oversize.Load()
	c.Errors["replica_divergence"], c.Errors["replica_diverged"], c.Errors["replica_panic"] = r.Divergences.Load(), r.Diverged.Load(), r.Panics.Load()
	c.Errors["replica_gap"], c.Errors["replica_fork"] = r.Gaps.Load(), r.Forks.Load()
	c.Errors["replica_refused"], c.Errors["replica_malformed"] = r.Refused.Load(), r.Malformed.Load()
}
