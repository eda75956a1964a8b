package cluster

import (
	"sync"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/netcode"
)

// keepFinished is how many matches that are over can still be asked for.
const keepFinished = 1000

// hosted is a match with what the node, not the edge, knows of it.
type hosted struct {
	// static after host
	match  *netcode.Match
	labels map[string]string
	open   bool          // quickplay may send players here
	gone   chan struct{} // closed when the match is over and its result is kept

	places places // guarded by Node.placing
}

// register is what the node knows of its matches. It locks itself.
type register struct {
	mu       sync.Mutex // guards the following
	running  map[string]*hosted
	finished map[string]admin.Match
	order    []string              // ids in finished, in order of their end; at most keepFinished
	maps     map[string]*sharedMap // by content hash
	watchers sync.WaitGroup        // goroutines of Node.watch
}

// sharedMap is the unchanging part of the world of one or more matches.
type sharedMap struct {
	body []byte
	uses int
}

func newRegister() *register {
	return &register{running: map[string]*hosted{}, finished: map[string]admin.Match{}, maps: map[string]*sharedMap{}}
}

func (r *register) add(h *hosted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running[h.match.ID()] = h
	if hash := h.match.MapHash(); hash != "" {
		m := r.maps[hash]
		if m == nil {
			m = &sharedMap{body: h.match.Static()}
			r.maps[hash] = m
		}
		m.uses++
	}
}

// finish moves a match that is over to the finished ones.
func (r *register) finish(h *hosted, result admin.Match) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, result.ID)
	if m := r.maps[h.match.MapHash()]; m != nil {
		if m.uses--; m.uses == 0 {
			delete(r.maps, h.match.MapHash())
		}
	}
	r.keepLocked(result)
}

// keepLocked adds a finished match; beyond keepFinished the oldest is forgotten.
func (r *register) keepLocked(result admin.Match) {
	if len(r.order) >= keepFinished {
		delete(r.finished, r.order[0])
		r.order = append(r.order[:0], r.order[1:]...)
	}
	r.order = append(r.order, result.ID)
	r.finished[result.ID] = result
}

// results returns the finished matches in order of their end.
func (r *register) results() []admin.Match {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]admin.Match, 0, len(r.order))
	for _, id := range r.order {
		list = append(list, r.finished[id])
	}
	return list
}

func (r *register) get(id string) *hosted {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running[id]
}

func (r *register) result(id string) (admin.Match, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.finished[id]
	return m, ok
}

func (r *register) all() []*hosted {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*hosted, 0, len(r.running))
	for _, h := range r.running {
		list = append(list, h)
	}
	return list
}

// mapBody returns the map with a content hash, or nil.
func (r *register) mapBody(hash string) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.maps[hash]; m != nil {
		return m.body
	}
	return nil
}
