package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/overtime-server/overtime/bots"
)

// faultPossible says why a fault cannot be made on this system, or nothing.
func faultPossible(fault string) error {
	switch {
	case fault == "stop" && runtime.GOOS == "windows":
		return errors.New("this system cannot freeze a process")
	case fault == "cut" && runtime.GOOS != "linux":
		return errors.New("needs Linux, which says whose connections are whose")
	}
	return nil
}

// strike hits the node that owns most matches, when every match can survive it: on a busy machine one may just be getting a new standby.
func (d *demonstration) strike(ctx context.Context) error {
	var err error
	for {
		if d.before, err = d.api.matches(ctx, d.alive()); err == nil && len(d.before) == d.cfg.matches && unprotected(d.before) == "" {
			break
		}
		if !pause(ctx, 50*time.Millisecond) {
			return fmt.Errorf("%s, not protected: %q: %w", count(len(d.before), "match"), unprotected(d.before), orElse(err, ctx.Err()))
		}
	}
	owned := map[string]int{}
	for _, m := range d.before {
		owned[m.Owner]++
	}
	for _, n := range d.nodes {
		if d.victim == nil || owned[n.id] > owned[d.victim.id] {
			d.victim = n
		}
	}
	d.hit = map[string]bool{}
	for _, m := range d.before {
		if m.Owner == d.victim.id {
			d.hit[m.ID] = true
		}
	}
	v := d.victim
	now := time.Now()
	d.faultAt = now.Sub(d.sights.Began())
	says := ""
	switch d.cfg.fault {
	case "kill":
		says, err = "kill -9 "+v.name, v.cmd.Process.Kill()
	case "stop":
		says, err = "kill -STOP "+v.name+": it freezes", suspend(v.cmd.Process)
	case "cut":
		says = v.name + " is cut off from the other nodes, and lives on"
		d.cutter.set(v, true)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", d.cfg.fault, v.name, err)
	}
	d.tell.fault = now
	d.tell.at(now, "%s, with %s and %s", says, count(len(d.hit), "match"), count(d.affected(), "player"))
	return nil
}

// affected counts the players of the victim's matches.
func (d *demonstration) affected() (n int) {
	d.sights.All(func(x *bots.Sight, _ *bots.Saw) {
		if d.hit[x.Match] {
			n++
		}
	})
	return n
}

// back counts the affected players who have seen a frame of a new owner.
func (d *demonstration) back() (n int) {
	d.sights.All(func(x *bots.Sight, saw *bots.Saw) {
		if _, ok := gapOf(saw.Frames, d.faultAt); ok && d.hit[x.Match] {
			n++
		}
	})
	return n
}

// watchRecovery tells who takes over what, until every affected player plays on.
func (d *demonstration) watchRecovery(ctx context.Context) {
	want := d.affected()
	ctx, cancel := context.WithTimeout(ctx, recoverWithin+d.cfg.slack)
	defer cancel()
	for d.back() < want {
		if !d.narrate(ctx, 10*time.Millisecond) {
			d.tell.line("%d of %s play on", d.back(), count(want, "player"))
			return
		}
	}
	now := time.Now()
	d.narrate(ctx, 0)
	g := quantiles(d.gaps())
	d.tell.at(now, "all %s play on; longest gap between two frames %.0f ms, median %.0f ms", count(want, "player"), g.Max, g.P50)
}

// gaps are the affected players' gaps in ms.
func (d *demonstration) gaps() (ms []float64) {
	d.sights.All(func(x *bots.Sight, saw *bots.Saw) {
		if gap, ok := gapOf(saw.Frames, d.faultAt); ok && d.hit[x.Match] {
			ms = append(ms, float64(gap)/float64(time.Millisecond))
		}
	})
	return ms
}

// narrate tells the nodes' events for a while; false if ctx ended.
func (d *demonstration) narrate(ctx context.Context, wait time.Duration) bool {
	t := time.NewTimer(max(0, wait))
	defer t.Stop()
	for {
		select {
		case e := <-d.launch.events:
			d.event(&e)
			continue
		default:
		}
		select {
		case e := <-d.launch.events:
			d.event(&e)
		case <-t.C:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// event tells one of them.
func (d *demonstration) event(e *demoEvent) {
	switch e.msg {
	case logTaken:
		d.tell.at(e.at, "%s takes over %s at tick %s, epoch %s", e.node.name, e.match, e.tick, e.epoch)
	case logOther:
		d.tell.at(e.at, "%s gives up %s: it is not its own any more", e.node.name, e.match)
	}
}

// comeBack ends the fault: the node comes back, or another one takes its place.
func (d *demonstration) comeBack(ctx context.Context) error {
	v := d.victim
	switch d.cfg.fault {
	case "stop":
		d.tell.line("kill -CONT %s: it wakes and believes that it still owns %s", v.name, count(len(d.hit), "match"))
		return resume(v.cmd.Process)
	case "cut":
		d.tell.line("%s is connected again", v.name)
		d.cutter.set(v, false)
		return nil
	}
	d.tell.line("a new node takes the place of %s: D", v.name)
	n, err := d.launch.newNode("D")
	if err != nil {
		return err
	}
	if err := d.begin(ctx, n); err != nil {
		return err
	}
	living := make([]*demoNode, 0, len(d.nodes))
	for _, x := range d.nodes {
		if x != v {
			living = append(living, x)
		}
	}
	return d.acquaint(ctx, living)
}

// awaitProtection waits until every match would survive the next fault; back is when there were three nodes again.
func (d *demonstration) awaitProtection(ctx context.Context, back time.Time) {
	ctx, cancel := context.WithTimeout(ctx, recoverWithin+d.cfg.slack)
	defer cancel()
	for {
		list, err := d.api.matches(ctx, d.alive())
		why := unprotected(list)
		if err == nil && len(list) == len(d.before) && why == "" {
			d.narrate(ctx, 0)
			d.tell.line("every match is protected again, %d ms after that", time.Since(back).Milliseconds())
			d.tellOwners(list)
			return
		}
		if !d.narrate(ctx, 50*time.Millisecond) {
			d.tell.line("not every match is protected again: %s of %d, %s", count(len(list), "match"), len(d.before), why)
			return
		}
	}
}
