package cluster

import (
	"encoding/json"
	"slices"

	"github.com/overtime-server/overtime/cluster/admin"
)

// What a webhook knows of the other nodes that keep its results too, see op_wills.go.

// has says whether the result of a match waits here, as far as that is known: of those of an earlier process it is not.
func (w *webhook) has(match string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range w.also {
		if x.match == match {
			return true
		}
	}
	return false
}

// lonely returns the numbers of some results that wait and that no other node which lives keeps.
func (w *webhook) lonely(lives func(node string) bool, most int) (list []uint64) {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range w.list.wait {
		if node := w.also[x.seq].node; (node == "" || !lives(node)) && len(list) < most {
			list = append(list, x.seq)
		}
	}
	return list
}

// read returns a result that waits.
func (w *webhook) read(seq uint64) (m admin.Match, ok bool) {
	body, err := w.spool.get(seq)
	return m, err == nil && json.Unmarshal(body, &m) == nil && m.ID != ""
}

// entrusted notes that a node keeps a result too; "": none could.
func (w *webhook) entrusted(seq uint64, match, node string) {
	w.mu.Lock()
	waits := w.list.holds(seq)
	if waits {
		w.also[seq] = copyOf{match, node}
	}
	w.mu.Unlock()
	if !waits {
		w.release(copyOf{match, node})
	}
}

// withdraw gives up results that another node has delivered, unless they are just on their way.
func (w *webhook) withdraw(matches []string) {
	if w == nil {
		return
	}
	var gone []uint64
	w.mu.Lock()
	for seq, x := range w.also {
		if slices.Contains(matches, x.match) && w.list.take(seq) {
			gone = append(gone, seq)
		}
	}
	w.mu.Unlock()
	for _, seq := range gone {
		w.forget(seq)
	}
}

// release lets the second of a result forget it.
func (w *webhook) release(x copyOf) {
	if x.node != "" && w.told != nil {
		w.told(x.node, x.match)
	}
}
