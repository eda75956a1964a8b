package cluster

import (
	"testing"
	"time"

	"github.com/overtime-server/overtime/cluster/directory"
)

// A node that has ceded a match says that it is over once the owner after it is gone without a word, and not before: nobody else can.
func TestCededToAGoneNode(t *testing.T) {
	n := startNode(t, nil)
	now := time.Now()
	for name, c := range map[string]struct {
		ceded *ceded
		epoch uint32 // of the end; 0: it goes on
	}{
		"mine":   {},
		"fresh":  {ceded: &ceded{owner: "gone", epoch: 6, at: now}},
		"member": {ceded: &ceded{owner: n.id, epoch: 6, at: now.Add(-time.Hour)}},
		"ghost":  {ceded: &ceded{owner: "gone", epoch: 6, at: now.Add(-time.Hour)}, epoch: 6},
	} {
		match := "m" + name
		d := &duty{node: n, match: match, mail: newMailbox()}
		d.ceded.Store(c.ceded)
		n.duties.mu.Lock()
		n.duties.all[match] = d
		n.duties.mu.Unlock()
		n.dir.Put(now, directory.Record{Match: match, Epoch: 5, Since: 5, Seq: 1, Owner: n.id, Standby: "gone", Witness: "w"})
		n.disown()
		n.duties.forget(d)
		r, ok := n.dir.Get(match)
		if !ok || r.Live() != (c.epoch == 0) || !r.Live() && (r.State != directory.Ended || r.Epoch != c.epoch) {
			t.Errorf("%s: %+v, %v", name, r, ok)
		}
		if r.Live() {
			r.State = directory.Ended
			n.dir.Put(now, r)
		}
	}
}
