package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// cell is one kind of fault, and which members of a match it hits.
type cell struct {
	fault string // kill, freeze (for freezeFor), stop (for good), restart (terminate, and start again)
	who   part
}

func (c cell) String() string {
	var who []string
	for i, name := range []string{"owner", "standby", "witness"} {
		if c.who&(1<<i) != 0 {
			who = append(who, name)
		}
	}
	return c.fault + " " + strings.Join(who, "+")
}

// dead reports whether the processes never come back.
func (c cell) dead() bool { return c.fault == "kill" || c.fault == "stop" }

// faultCells is every cell of the matrix.
func faultCells() (all []cell) {
	for _, who := range []part{partOwner, partStandby, partWitness, partOwner | partStandby, partOwner | partWitness, partStandby | partWitness} {
		for _, fault := range []string{"kill", "freeze", "stop", "restart"} {
			all = append(all, cell{fault, who})
		}
	}
	return all
}

const (
	tellPlayers  = 300 * time.Millisecond  // until every player has heard of the standby, too
	betweenFalls = 1200 * time.Millisecond // a client that loses a connection after less than a second backs off, which is not measured here
	freezeFor    = 2 * time.Second
	noticeWithin = patience // until everything that can be is well again
	loseWithin   = patience // until a match that lost two of three is closed: 15 s, and some time to be told
	resettle     = patience // until everything is well after new nodes came
)

// strike makes a fault, waits until everything is as well as it can be, and puts new nodes in the place of dead ones.
func (s *siege) strike(ctx context.Context, c cell) error {
	if !pause(ctx, betweenFalls) {
		return ctx.Err()
	}
	var list []placed
	var victims []*demoNode
	err := s.until(ctx, noticeWithin, "nodes to hit", func() (why string) {
		var err error
		if list, err = s.list(ctx); err != nil {
			return err.Error()
		}
		if why := s.unseen(s.clock() - tellPlayers); why != "" {
			return why
		}
		if victims = s.victims(list, c.who); len(victims) != c.who.count() {
			why = fmt.Sprintf("%d of %d matches are shown", len(list), len(s.before))
		}
		return why
	})
	if err != nil {
		return fmt.Errorf("%v: %w", c, err)
	}
	k := &strike{cell: c, at: s.clock(), hit: map[string]part{}, doomed: map[string]bool{}}
	for _, m := range list {
		for _, v := range victims {
			k.hit[m.ID] |= m.parts(v.id)
		}
		if c.dead() && k.hit[m.ID].count() > 1 {
			k.doomed[m.ID] = true
		}
	}
	for _, v := range victims {
		k.victims = append(k.victims, v.id)
	}
	s.strikes = append(s.strikes, k)
	for _, v := range victims {
		if err := s.hurt(v, c.fault); err != nil {
			return fmt.Errorf("%v: %w", c, err)
		}
	}
	if err := s.heal(ctx, k, victims); err != nil {
		return fmt.Errorf("%v: %w", c, err)
	}
	k.until = s.clock()
	return nil
}

// hurt makes a fault.
func (s *siege) hurt(n *demoNode, fault string) error {
	s.up = slices.DeleteFunc(s.up, func(x *demoNode) bool { return x == n })
	switch fault {
	case "kill":
		return n.cmd.Process.Kill()
	case "restart":
		return terminate(n.cmd.Process)
	}
	return suspend(n.cmd.Process)
}

// heal waits for what happens by itself, then brings back the nodes, or new ones in their places.
func (s *siege) heal(ctx context.Context, k *strike, victims []*demoNode) error {
	began := time.Now()
	well := func(limit time.Duration) error {
		err := s.until(ctx, limit, "recovery", func() string { return s.recovered(ctx, k) })
		k.took = time.Since(began)
		return err
	}
	switch k.fault {
	case "freeze":
		if !pause(ctx, freezeFor) {
			return ctx.Err()
		}
		for _, v := range victims {
			if err := resume(v.cmd.Process); err != nil {
				return err
			}
		}
		s.up = append(s.up, victims...)
		began = time.Now()
		return well(noticeWithin)
	case "restart":
		for _, v := range victims {
			select {
			case <-v.exited:
			case <-time.After(patience):
				return fmt.Errorf("node %s did not end within %v", v.name, patience)
			}
		}
	default:
		if err := s.doom(ctx, k, victims); err != nil {
			return err
		}
		if err := well(noticeWithin); err != nil {
			return err
		}
		if err := s.until(ctx, loseWithin, "everybody knows that matches which lost two of three are over", func() string { return s.undecided(ctx, k) }); err != nil {
			return err
		}
	}
	return s.replace(ctx, k, victims)
}

// replace starts new nodes at the addresses of dead ones, and waits until everything is protected again.
func (s *siege) replace(ctx context.Context, k *strike, victims []*demoNode) error {
	quit(victims, 0)
	for _, v := range victims {
		if _, err := s.add(ctx, v); err != nil {
			return err
		}
	}
	if err := s.meet(ctx); err != nil {
		return err
	}
	began := time.Now()
	err := s.until(ctx, resettle, "after new nodes came", func() string { return s.recovered(ctx, k) })
	if len(s.up) == 3 {
		k.took = time.Since(began)
	}
	return err
}

// undecided names a doomed match of which not everybody says that it is over, or where it goes on; "" if there is none.
func (s *siege) undecided(ctx context.Context, k *strike) string {
	list, err := s.list(ctx)
	if err != nil {
		return err.Error()
	}
	for _, id := range slices.Sorted(maps.Keys(k.doomed)) {
		i := slices.IndexFunc(list, func(m placed) bool { return m.ID == id })
		switch {
		case i < 0:
			if why := s.listening(ctx, id); why != "" {
				return why
			}
			if s.lost[id] == 0 {
				s.lost[id] = k.at
			}
		case !k.named(&list[i]) && (list[i].Protected || len(s.up) < 3 && list[i].Unprotected != ""):
			delete(k.doomed, id) // it got away; two nodes protect no match
			delete(s.lost, id)
		default:
			return fmt.Sprintf("%s is shown with owner %s", id, list[i].Owner)
		}
	}
	return ""
}

// listening says who does not know that a match is over; "" if all do.
func (s *siege) listening(ctx context.Context, match string) string {
	for _, x := range s.up {
		var m placed
		switch err := s.api.get(ctx, "http://"+x.admin+"/v1/matches/"+match, &m); {
		case err != nil && !unknown(err):
			return err.Error()
		case err == nil && m.Outcome == "":
			return fmt.Sprintf("%s says that %s goes on", x.name, match)
		}
	}
	return ""
}

// victims finds the nodes to hit: the owner of most matches, the commonest standby of these, the commonest witness of those.
func (s *siege) victims(list []placed, who part) (found []*demoNode) {
	most := func(of func(*placed) string) string {
		n := map[string]int{}
		for i := range list {
			n[of(&list[i])]++
		}
		best, ids := "", slices.Sorted(maps.Keys(n))
		rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		for _, id := range ids {
			if id != "" && (best == "" || n[id] > n[best]) {
				best = id
			}
		}
		return best
	}
	owner := most(func(p *placed) string { return p.Owner })
	list = slices.DeleteFunc(slices.Clone(list), func(p placed) bool { return p.Owner != owner })
	standby := most(func(p *placed) string { return p.Standby })
	list = slices.DeleteFunc(list, func(p placed) bool { return p.Standby != standby })
	witness := most(func(p *placed) string { return p.Witness })
	for i, id := range []string{owner, standby, witness} {
		if n := s.named(id); who&(1<<i) != 0 && n != nil && slices.Contains(s.up, n) {
			found = append(found, n)
		}
	}
	return found
}
