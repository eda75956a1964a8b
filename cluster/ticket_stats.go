package cluster

import (
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/matchmaker"
)

// ticketCounts are counters of matchmaking on this node, as home of its queues.
type ticketCounts struct {
	added, removed, assigned, expired atomic.Uint64 // tickets
	matches, fills                    atomic.Uint64 // matches made, and proposals that filled running ones
	failed                            atomic.Uint64 // proposals whose match could not be made
	strays                            atomic.Uint64 // tickets taken out because a player waited elsewhere
	lost                              atomic.Uint64 // queues of which both nodes died
	cycles                            atomic.Uint64
	cycleNS, cycleMost                atomic.Int64 // time that cycles took, in all and at most
}

func (c *ticketCounts) cycled(took time.Duration, expired int) {
	c.cycles.Add(1)
	c.cycleNS.Add(int64(took))
	for most := c.cycleMost.Load(); int64(took) > most && !c.cycleMost.CompareAndSwap(most, int64(took)); most = c.cycleMost.Load() {
	}
	c.expired.Add(uint64(expired))
}

func (c *ticketCounts) matched(p *matchmaker.Proposal, tickets int) {
	c.assigned.Add(uint64(tickets))
	if p.Match == "" {
		c.matches.Add(1)
	} else {
		c.fills.Add(1)
	}
}

// counters are those that /metrics shows.
func (t *tickets) counters() admin.TicketCounters {
	c := &t.stats
	k := admin.TicketCounters{
		Added: c.added.Load(), Removed: c.removed.Load(), Assigned: c.assigned.Load(), Expired: c.expired.Load(),
		Matches: c.matches.Load(), Fills: c.fills.Load(), Failed: c.failed.Load(), Strays: c.strays.Load(), Lost: c.lost.Load(),
		Cycles: c.cycles.Load(), CycleTime: time.Duration(c.cycleNS.Load()), LongestCycle: time.Duration(c.cycleMost.Load()),
	}
	for _, s := range t.all() {
		s.mu.Lock()
		if q := s.queue(); q != nil && s.home {
			x := q.Stats()
			k.Queues++
			k.Waiting += x.Waiting
			k.Proposed += x.Proposed
			k.Backfills += x.Backfills
		}
		s.mu.Unlock()
	}
	return k
}
