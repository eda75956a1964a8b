package cluster

import "github.com/overtime-server/overtime/cluster/guard"

// lonelyFor is how long a match waits for another node in place of a lost witness before it does without one, ms.
const lonelyFor = 3000

// shrink does without a witness where there is no node for one, as in a cluster of three that has lost a node. A list of three with a lost
// witness survives nothing: neither can the standby take over by itself, nor the owner go on when the standby dies. So the owner goes on alone, which
// it and the standby decide, and takes the standby back into a list of two, which an owner changes by itself. It is called with every answer to the search
// for candidates; witness is what was found.
func (d *duty) shrink(witness string) {
	now, l := d.now(), d.guard.List()
	lost := d.host != nil && witness == "" && l.Witness != "" && l.Standby != "" && d.guard.Record().Need == guard.NeedWitness
	switch {
	case !lost:
		d.lonely = 0
	case d.lonely == 0:
		d.lonely = now
	case now-d.lonely >= lonelyFor:
		d.lonely = 0
		d.node.cfg.Log.Info("no witness to be had: going on with two nodes", "match", d.match, "witness", l.Witness)
		d.guard.Down(now, l.Standby, guard.Silence)
	}
}
