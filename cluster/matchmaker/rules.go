package matchmaker

import (
	"errors"
	"fmt"
	"time"
)

// Rules are the rules of all queues, as a file says them (ParseRules). The zero value knows no queue: all have DefaultRules.
type Rules struct {
	Queues map[string]QueueRules
	Other  *QueueRules // for queues that are not named; nil: DefaultRules. In the file it is the queue "*"
}

// For returns the rules of a queue; a queue that nobody described works, too.
func (r Rules) For(queue string) QueueRules {
	if q, ok := r.Queues[queue]; ok {
		return q
	}
	if r.Other != nil {
		return *r.Other
	}
	return DefaultRules()
}

// QueueRules say which tickets of one queue may play together.
type QueueRules struct {
	Game   string // the one that this queue plays; "": tickets say
	Size   int    // players of a match, all teams together, 1 to MaxSize; 0: tickets say
	Teams  int    // equal teams, 1 to MaxTeams; 0: one, or what tickets say
	Layout []int  // size of each team, instead of Size and Teams

	MinPlayers int           // a match may be made with so few, 0: only full ones,
	ShortAfter time.Duration // once its oldest ticket waits so long

	Skill   Window   // how far the parties of a match may be apart in skill, by the wait of the one that waits longest
	Latency Window   // milliseconds that a ticket accepts, by its own wait
	Regions []string // where matches may be; empty: anywhere
	Equal   []string // attributes in which all tickets of a match agree; not having one is a value, too

	Backfill bool          // running matches may ask for players
	Timeout  time.Duration // a ticket expires after waiting so long
}

// DefaultRules are for a queue that nobody described: tickets say which game and size (2 unless said), skills 200 apart at
// first, 600 more every second without end (most who come together are nearer to each other than that in the first cycle; the rest
// should not wait for long), 100 ms of latency at first, 10 more every second up to 300, full matches only,
// backfill, five minutes.
func DefaultRules() QueueRules {
	return QueueRules{
		Skill:      Window{Start: 200, PerSecond: 600},
		Latency:    Window{Start: 100, PerSecond: 10, Max: 300},
		ShortAfter: 10 * time.Second,
		Backfill:   true,
		Timeout:    5 * time.Minute,
	}
}

// fieldError is an error of one setting, so that a file's reader can name its line.
type fieldError struct {
	field string // as in the file
	text  string
}

func (e *fieldError) Error() string { return e.field + ": " + e.text }

func wrong(field, format string, args ...any) error {
	return &fieldError{field, fmt.Sprintf(format, args...)}
}

// Validate reports everything that is wrong, joined; nil if the rules can be used.
func (r QueueRules) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) { errs = append(errs, wrong(field, format, args...)) }
	if r.Game != "" && !validID(r.Game) {
		bad("game", "must be at most %d printable ASCII characters", maxText)
	}
	s, err := makeShape(r.Size, r.Teams, r.Layout)
	if err != nil {
		errs = append(errs, err)
	}
	switch n := s.size(); {
	case r.MinPlayers < 0 || r.MinPlayers > MaxSize:
		bad("min_players", "%d is not in 0 to %d", r.MinPlayers, MaxSize)
	case r.MinPlayers > 0 && n > 0 && r.MinPlayers > n:
		bad("min_players", "%d is more than the %d of a full match", r.MinPlayers, n)
	case r.MinPlayers > 0 && n > 0 && r.MinPlayers < len(s):
		bad("min_players", "%d is less than the %d teams", r.MinPlayers, len(s))
	}
	if r.ShortAfter < 0 {
		bad("short_after", "must not be negative")
	}
	if r.Timeout < time.Second || r.Timeout > 24*time.Hour {
		bad("timeout", "%v is not in 1s to 24h", r.Timeout)
	}
	errs = append(errs, r.Skill.check("skill"), r.Latency.check("latency_ms"), checkNames("regions", r.Regions, MaxRegions),
		checkNames("equal", r.Equal, MaxAttributes))
	return errors.Join(errs...)
}

func checkNames(field string, names []string, most int) error {
	if len(names) > most {
		return wrong(field, "%d are more than %d", len(names), most)
	}
	for i, n := range names {
		if !validID(n) {
			return wrong(field, "%q must be 1 to %d printable ASCII characters", n, maxText)
		}
		for _, m := range names[:i] {
			if n == m {
				return wrong(field, "%q is there twice", n)
			}
		}
	}
	return nil
}
