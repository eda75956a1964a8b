package member

import (
	"context"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"time"
)

const (
	bootEvery    = 500 * time.Millisecond // until somebody answered
	rejoinEvery  = 2 * time.Second
	resolveEvery = 15 * time.Second
	rememberFor  = 24 * time.Hour // addresses where nodes were seen
	maxSeen      = 1024           // of them; the oldest go
	atOnce       = 3              // addresses tried in one go while starting
)

// seeker remembers where other nodes are or were. It is pure and has one owner.
type seeker struct {
	self  string               // own address
	seeds []string             // what Join resolves to now, without self
	seen  map[string]time.Time // when an address was last that of a living node
}

// look learns from a view.
func (s *seeker) look(now time.Time, v View) {
	for i := range v.Nodes {
		switch n := &v.Nodes[i]; {
		case n.Addr == s.self:
		case n.State == Alive:
			s.seen[n.Addr] = now
		case n.State == Left && s.seen[n.Addr].Before(n.Since):
			delete(s.seen, n.Addr) // it will not come back, and nobody else was seen there since
		}
	}
	maps.DeleteFunc(s.seen, func(_ string, at time.Time) bool { return now.Sub(at) > rememberFor })
	for len(s.seen) > maxSeen {
		oldest := ""
		for a, at := range s.seen {
			if oldest == "" || at.Before(s.seen[oldest]) {
				oldest = a
			}
		}
		delete(s.seen, oldest)
	}
}

// lost returns the addresses at which no living node is known: of a split's other half, or of what is gone.
func (s *seeker) lost(v View) []string {
	lost := map[string]bool{}
	for _, a := range s.seeds {
		lost[a] = true
	}
	for a := range s.seen {
		lost[a] = true
	}
	for i := range v.Nodes {
		if v.Nodes[i].State == Alive {
			delete(lost, v.Nodes[i].Addr)
		}
	}
	return slices.Sorted(maps.Keys(lost))
}

// second returns whom to ask once more a second after the first answer: when many nodes start at once, the first answer
// came before most of them were known, and the next regular exchange is 10 s away. So it is where strangers are heard of.
func (s *seeker) second(v View) []string {
	var pick []string
	for _, i := range rand.Perm(len(v.Nodes)) {
		if n := &v.Nodes[i]; n.State == Alive && n.Addr != s.self && len(pick) < 2 {
			pick = append(pick, n.Addr)
		}
	}
	if len(s.seeds) > 0 {
		pick = append(pick, s.seeds[rand.IntN(len(s.seeds))])
	}
	return pick
}

// seek is the goroutine that looks for the cluster, at the start and ever after: split halves hold each other for dead
// and never find together by themselves.
func (m *Members) seek() {
	defer m.wg.Done()
	s := &seeker{self: m.addr, seen: map[string]time.Time{}}
	var resolved, secondAt time.Time
	for {
		now := time.Now()
		if resolved.IsZero() || now.Sub(resolved) >= resolveEvery || (len(s.seeds) == 0 && !m.joined.Load()) {
			resolved = now
			m.resolve(s)
		}
		v := m.View()
		s.look(now, v)
		lost := s.lost(v)
		switch {
		case m.left.Load():
			secondAt = time.Time{} // else pause would not wait for it
		case !secondAt.IsZero() && !now.Before(secondAt):
			secondAt = time.Time{}
			m.join(s.second(v))
		case !m.joined.Load():
			rand.Shuffle(len(lost), func(i, k int) { lost[i], lost[k] = lost[k], lost[i] })
			if m.join(lost[:min(len(lost), atOnce)]) {
				secondAt = time.Now().Add(time.Second + rand.N(time.Second))
			}
		case m.strange.CompareAndSwap(true, false):
			m.join(s.second(v))
		case len(lost) > 0:
			m.join([]string{lost[rand.IntN(len(lost))]})
		}
		if !m.pause(secondAt) {
			return
		}
	}
}

// pause waits until there is something to do, and reports false when closing.
func (m *Members) pause(second time.Time) bool {
	d := rejoinEvery*3/4 + rand.N(rejoinEvery/2) // spread, so that nodes do not act in step
	if !m.joined.Load() {
		d = bootEvery/2 + rand.N(bootEvery)
	}
	if !second.IsZero() {
		d = max(0, min(d, time.Until(second)))
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-m.ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// join exchanges states with the nodes at some addresses, and reports whether one answered. It takes up to a few
// seconds for each that is silent.
func (m *Members) join(addrs []string) bool {
	any := false
	for _, a := range addrs {
		if m.ctx.Err() != nil {
			return any
		}
		// memberlist wants a name, which for a stream is only for its log. The address is an IP address: of a name it
		// would ask name servers in a way of its own.
		if _, err := m.list.Join([]string{"seed/" + a}); err != nil {
			m.count.joinErrors.Add(1)
			m.log.Debug("no node joined", "addr", a, "err", err)
			continue
		}
		m.count.joins.Add(1)
		m.joined.Store(true)
		any = true
	}
	return any
}

// resolve looks the names of Config.Join up. What does not resolve now keeps its addresses of before only if all fail.
func (m *Members) resolve(s *seeker) {
	found, failed := map[string]bool{}, 0
	for _, a := range m.cfg.Join {
		host, port, err := splitAddr(a)
		if err != nil {
			continue // was validated
		}
		ips, err := []string{host}, error(nil)
		if net.ParseIP(host) == nil {
			ctx, cancel := context.WithTimeout(m.ctx, resolveTimeout)
			ips, err = m.cfg.Resolve(ctx, host)
			cancel()
		}
		if err != nil || len(ips) == 0 {
			failed++
			m.count.resolveErrors.Add(1)
			m.log.Debug("name to join does not resolve", "addr", a, "err", err)
		}
		for _, ip := range ips {
			if net.ParseIP(ip) != nil {
				found[net.JoinHostPort(net.ParseIP(ip).String(), strconv.Itoa(port))] = true
			}
		}
	}
	delete(found, s.self)
	if len(found) > 0 || failed == 0 {
		s.seeds = slices.Sorted(maps.Keys(found))
	}
	if len(s.seeds) == 0 && failed == 0 {
		m.joined.Store(true) // nobody to ask
	}
}
