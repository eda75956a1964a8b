package netcode

// SendAway sends everybody who is connected to the match to the node at a public address, with a move and close code 4010. The match
// goes on here, for it may not have been taken over yet; their seats are kept as after any lost connection. It serves an owner that is cut off
// from those who decide with it, and must show nothing until they answer. Any goroutine.
func (m *Match) SendAway(url string) {
	s := m.srv
	s.mu.Lock()
	var all []*session
	for x := range s.sessions {
		if x.match.Load() == m {
			all = append(all, x)
		}
	}
	s.mu.Unlock()
	for _, x := range all {
		x.depart(url)
	}
}
