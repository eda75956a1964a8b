package admin

import "time"

// TicketCounters are about matchmaking on this node: those of now of the queues that it is the home of, the others since it started.
type TicketCounters struct {
	Queues    int // that this node is the home of
	Waiting   int // tickets
	Proposed  int // tickets whose match is being made
	Backfills int // running matches that look for players

	Added, Removed, Assigned, Expired uint64 // tickets
	Matches                           uint64 // made
	Fills                             uint64 // proposals that filled running matches
	Failed                            uint64 // matches that could not be made
	Strays                            uint64 // tickets taken out because a player waited elsewhere
	Lost                              uint64 // queues of which both nodes died
	Cycles                            uint64
	CycleTime, LongestCycle           time.Duration // of all cycles together, and of the longest
}

var (
	mTickets   = gauge("tickets", "Tickets of queues that this node is the home of.", "state")
	mQueues    = gauge("ticket_queues", "Queues that this node is the home of.")
	mBackfills = gauge("ticket_backfills", "Running matches that look for players here.")
	mTicketEnd = counter("ticket_events_total", "Tickets added, and what became of them.", "what")
	mMade      = counter("ticket_matches_total", "Matches that were made, filled or could not be made.", "what")
	mTicketBad = counter("ticket_errors_total", "Things that should not happen in matchmaking.", "what")
	mCycles    = counter("ticket_cycles_total", "Cycles of matchmaking.")
	mCycleTime = counter("ticket_cycle_seconds_total", "Time that cycles of matchmaking took.")
	mCycleMost = gauge("ticket_cycle_longest_seconds", "Time that the longest cycle took.")
)

// tickets sends off what there is about matchmaking.
func (p putter) tickets(c *TicketCounters) {
	if c == nil {
		return
	}
	p.value(mTickets, float64(c.Waiting), "waiting")
	p.value(mTickets, float64(c.Proposed), "proposed")
	p.value(mQueues, float64(c.Queues))
	p.value(mBackfills, float64(c.Backfills))
	for what, n := range map[string]uint64{"added": c.Added, "removed": c.Removed, "assigned": c.Assigned, "expired": c.Expired} {
		p.value(mTicketEnd, float64(n), what)
	}
	for what, n := range map[string]uint64{"made": c.Matches, "filled": c.Fills, "failed": c.Failed} {
		p.value(mMade, float64(n), what)
	}
	for what, n := range map[string]uint64{"stray": c.Strays, "queue_lost": c.Lost} {
		p.value(mTicketBad, float64(n), what)
	}
	p.value(mCycles, float64(c.Cycles))
	p.value(mCycleTime, c.CycleTime.Seconds())
	p.value(mCycleMost, c.LongestCycle.Seconds())
}
