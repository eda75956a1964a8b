package replica

import "sync/atomic"

// Stats counts what sources and standbys do. One Stats serves all matches of a node; anybody may read it at any time.
type Stats struct {
	// of sources
	Messages    atomic.Uint64 // records and differences sent, resent ones included
	Bytes       atomic.Uint64 // of them
	Blocked     atomic.Uint64 // messages that the link did not take; sent again with a later tick
	Snapshots   atomic.Uint64 // snapshots handed over for sending
	Overflow    atomic.Uint64 // receivers that need a new snapshot because the tail no longer reaches back to them
	Oversize    atomic.Uint64 // ticks too large for one message; receivers get a snapshot
	Asked       atomic.Uint64 // checkpoints asked for outside of their turn
	StaleAcks   atomic.Uint64 // acknowledgements of another epoch, which do not count
	Foreign     atomic.Uint64 // receivers with a state that is not this owner's; they get a snapshot
	Resumed     atomic.Uint64 // receivers that came with a state from which the tail went on
	Divergences atomic.Uint64 // matches that changed to state differences because a hash differed
	Upgrades    atomic.Uint64 // matches that changed to them for a receiver whose rules are of another version

	// of standbys
	Applied   atomic.Uint64 // records and differences applied and proven
	Diverged  atomic.Uint64 // records that led to another hash, did not fit or made the rules panic
	Panics    atomic.Uint64 // panics of rules among them
	Gaps      atomic.Uint64 // messages that came after a missing one
	Forks     atomic.Uint64 // messages for a state that is not this standby's
	Refused   atomic.Uint64 // messages refused: older or unknown epoch, frozen, spent
	Malformed atomic.Uint64 // messages or differences that make no sense
	Swaps     atomic.Uint64 // snapshots loaded
}
