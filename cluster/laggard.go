package cluster

import (
	"time"

	"github.com/overtime-server/overtime/cluster/guard"
)

const (
	awayAfter = 450 // ms after which an owner that may show nothing, since nobody answers it, sends its players to the standby
	lagLimit  = 500 // ms for which a match may always be a tick or more ahead of what its standby has acknowledged
	lagPause  = 150 // ms without a tick after which a match stands still, if that is 3 ticks or more
)

// hurry gives up a standby that acknowledges, but every tick only after the next one was stepped: since a frame leaves when the newest
// tick is acknowledged, players would see nothing any more. The standby is treated as one that is silent, so that the match goes on alone and
// takes another.
func (d *duty) hurry() {
	now, standby := d.now(), d.guard.List().Standby
	if d.host == nil {
		return
	}
	late := d.late.look(now, max(lagPause, 3000/int64(d.host.match.Config().Hz)))
	if standby == "" || d.even == 0 || now-d.even < awayAfter || d.guard.Role() != guard.RoleOwner {
		return
	}
	switch need := d.guard.Record().Need; {
	case need == guard.NeedAnswer || need == guard.NeedMajority:
		d.sendAway(standby)
		return
	case late < lagLimit || need != guard.NeedNothing && need != guard.NeedWitness: // it does not count yet, or is given up already
		return
	}
	d.node.duties.laggards.Add(1)
	shun := d.lags.add(standby, now)
	d.node.cfg.Log.Warn("standby is too slow", "match", d.match, "standby", standby, "shunned", time.Duration(shun)*time.Millisecond)
	d.even = now
	d.late.even(now)
	d.guard.Down(now, standby, guard.Silence)
	d.obey()
}

// sendAway sends the players of a match that is cut off to its standby, once until all is well again. It lets them wait until it has taken
// over, or sends them back.
func (d *duty) sendAway(standby string) {
	if d.away == d.even {
		return
	}
	d.away = d.even
	if x, ok := d.node.node(standby); ok && x.Meta.URL != "" {
		d.node.cfg.Log.Warn("cut off: players are sent to the standby", "match", d.match, "standby", standby)
		d.host.match.SendAway(x.Meta.URL)
	}
}

// tooSlow is why a match has no standby while those that could be were too slow.
const tooSlow = "no standby: the last one was too slow, and is tried again in a while"

// why says why a match is not protected; "" if it is. Any goroutine.
func (d *duty) why(r *guard.Record) string {
	if r.Need == guard.NeedStandby && d.shuns.Load() {
		return tooSlow
	}
	return needText(r.Need)
}
