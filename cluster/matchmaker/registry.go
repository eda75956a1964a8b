package matchmaker

// Registry knows which players wait in any queue, so that nobody waits in two. The zero value is empty; it is not safe for
// concurrent use. Whoever adds a ticket claims its players first, and releases them when the ticket is assigned, expired
// or removed.
type Registry struct {
	players map[string]place
	tickets map[place][]string
}

// place is where a player waits.
type place struct{ queue, ticket string }

// Claim takes all players for a ticket, or none if one of them is elsewhere: *BusyError. To claim again for the same ticket adds to it.
func (r *Registry) Claim(queue, ticket string, players []string) error {
	at := place{queue, ticket}
	for _, p := range players {
		if was, ok := r.players[p]; ok && was != at {
			return &BusyError{Player: p, Ticket: was.ticket, Queue: was.queue}
		}
	}
	if r.players == nil {
		r.players, r.tickets = make(map[string]place), make(map[place][]string)
	}
	for _, p := range players {
		if _, ok := r.players[p]; !ok {
			r.players[p] = at
			r.tickets[at] = append(r.tickets[at], p)
		}
	}
	return nil
}

// Release gives the players of a ticket free; nothing happens if it has none.
func (r *Registry) Release(queue, ticket string) {
	at := place{queue, ticket}
	for _, p := range r.tickets[at] {
		delete(r.players, p)
	}
	delete(r.tickets, at)
}

// Where returns the ticket in which a player waits.
func (r *Registry) Where(player string) (queue, ticket string, ok bool) {
	at, ok := r.players[player]
	return at.queue, at.ticket, ok
}

// Len returns how many players wait.
func (r *Registry) Len() int { return len(r.players) }
