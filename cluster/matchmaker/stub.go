package matchmaker

import (
	"errors"
	"time"
)

var errSoon = errors.New("not there yet")

// ParseRules reads a JSON file of rules; errors name its lines.
func ParseRules(file []byte) (Rules, error) { return Rules{}, errSoon }

// Queue holds the tickets of one queue. It is not safe for concurrent use: its owner serialises the calls, and now never goes back.
type Queue struct{ name string }

type group struct{}

// New returns an empty queue. origin is the id of this node, the first part of its proposals' names.
func New(name string, rules QueueRules, origin string) *Queue { return &Queue{name: name} }

// Add makes a ticket. Errors: ErrInvalid, ErrExists, ErrFull, *BusyError.
func (q *Queue) Add(now time.Time, r Request) error { return errSoon }

// Remove takes a ticket out; one that is proposed dissolves its proposal. Errors: ErrNotFound, ErrAssigned.
func (q *Queue) Remove(now time.Time, id string) error { return errSoon }

// Get returns a ticket.
func (q *Queue) Get(id string) (Ticket, bool) { return Ticket{}, false }

// Cycle expires what is overdue and proposes matches; tickets of both changed their state.
func (q *Queue) Cycle(now time.Time) []Proposal { return nil }

// Pending returns the proposals that nobody has confirmed or rejected yet, oldest first.
func (q *Queue) Pending(now time.Time) []Proposal { return nil }

// Confirm assigns the tickets of a proposal and returns them. tokens has every player's. Error: ErrProposal.
func (q *Queue) Confirm(now time.Time, proposal string, a Assignment) ([]string, error) {
	return nil, errSoon
}

// Reject puts the tickets of a proposal back, with the age that they had. Error: ErrProposal.
func (q *Queue) Reject(now time.Time, proposal string) error { return errSoon }

// SetBackfill asks for players, or says anew how many. Error: ErrBackfill.
func (q *Queue) SetBackfill(now time.Time, b Backfill) error { return errSoon }

// RemoveBackfill ends that.
func (q *Queue) RemoveBackfill(match string) {}

// Explain says why a ticket waits.
func (q *Queue) Explain(now time.Time, id string) (Explanation, bool) { return Explanation{}, false }

// SetRules replaces the rules; tickets that cannot be matched under the new ones expire and are returned.
func (q *Queue) SetRules(now time.Time, rules QueueRules) []string { return nil }

// SetRegions says where nodes are; nil: anywhere.
func (q *Queue) SetRegions(regions []string) {}

// Changes returns what changed since the last call for a second node's Apply, nil if nothing did.
func (q *Queue) Changes(now time.Time) []byte { return nil }

// Snapshot returns everything for a second node's Apply.
func (q *Queue) Snapshot(now time.Time) []byte { return nil }

// Apply takes bytes of Changes or Snapshot over. Errors: ErrGap (ask for a snapshot), ErrBytes; then nothing was changed.
func (q *Queue) Apply(now time.Time, b []byte) error { return errSoon }

// Registry knows which players wait in any queue. Not safe for concurrent use.
type Registry struct{}

// Claim takes all players for a ticket or none: *BusyError.
func (r *Registry) Claim(queue, ticket string, players []string) error { return errSoon }

// Release gives the players of a ticket free.
func (r *Registry) Release(queue, ticket string) {}
