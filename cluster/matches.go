package cluster

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"sync"
	"time"

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
	open   bool              // quickplay may send players here
	sum    [sha256.Size]byte // of the spec that it was made from
	duty   *duty             // that guards its ownership; nil on a lone node
	gone   chan struct{}     // closed when the match is over and its result is kept
	gate   turnstile         // for what operators want of the match; locks itself

	rival time.Time // since when the directory has it as another node's; owned by Node.tend
}

// register is what the node knows of its matches. It locks itself.
type register struct {
	mu       sync.Mutex // guards the following
	running  map[string]*hosted
	finished map[string]admin.Match
	sums     map[string][sha256.Size]byte // of the specs of finished matches that ran here
	order    []string                     // ids in finished, in order of their end; at most keepFinished
	maps     map[string]*sharedMap        // by content hash
	watchers sync.WaitGroup               // goroutines of Node.watch
	over     bool                         // wait has begun
}

// sharedMap is the unchanging part of the world of one or more matches.
type sharedMap struct {
	body []byte
	text bool // JSON
	uses int
}

func newRegister() *register {
	return &register{running: map[string]*hosted{}, finished: map[string]admin.Match{},
		sums: map[string][sha256.Size]byte{}, maps: map[string]*sharedMap{}}
}

func (r *register) add(h *hosted) {
	hash := h.match.MapHash()
	fresh := sharedMap{}
	if known, _ := r.mapBody(hash); known == nil && hash != "" {
		body := h.match.Static()
		fresh = sharedMap{body: body, text: json.Valid(body)} // which takes a while: not under the lock, and once
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running[h.match.ID()] = h
	if hash == "" {
		return
	}
	m := r.maps[hash]
	if m == nil {
		if fresh.body == nil { // the last match that had it has ended just now
			fresh.body = h.match.Static()
			fresh.text = json.Valid(fresh.body)
		}
		m = &fresh
		r.maps[hash] = m
	}
	m.uses++
}

// watch runs f on a goroutine that wait waits for, unless it waits already: a match may be taken over while the node stops.
func (r *register) watch(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		go f() // ends with the match, which has been stopped
		return
	}
	r.watchers.Go(f)
}

// wait waits for what watch runs.
func (r *register) wait() {
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
	r.watchers.Wait()
}

// drop forgets a match that goes on elsewhere.
func (r *register) drop(h *hosted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropLocked(h)
}

// finish moves a match that is over to the finished ones.
func (r *register) finish(h *hosted, result admin.Match) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dropLocked(h)
	r.keepLocked(result)
	r.sums[result.ID] = h.sum
}

func (r *register) dropLocked(h *hosted) {
	if r.running[h.match.ID()] == h { // else the same match came back already
		delete(r.running, h.match.ID())
	}
	if m := r.maps[h.match.MapHash()]; m != nil {
		if m.uses--; m.uses == 0 {
			delete(r.maps, h.match.MapHash())
		}
	}
}

// keepLocked adds a finished match; beyond keepFinished the oldest is forgotten.
func (r *register) keepLocked(result admin.Match) {
	if _, again := r.finished[result.ID]; again {
		r.order = slices.DeleteFunc(r.order, func(id string) bool { return id == result.ID })
	}
	if len(r.order) >= keepFinished {
		delete(r.finished, r.order[0])
		delete(r.sums, r.order[0])
		r.order = append(r.order[:0], r.order[1:]...)
	}
	r.order = append(r.order, result.ID)
	r.finished[result.ID] = result
}

// keep adds a match that ended on another node; false if its end is known already.
func (r *register) keep(result admin.Match, sum [sha256.Size]byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.finished[result.ID]; known {
		return false
	}
	r.keepLocked(result)
	if sum != [sha256.Size]byte{} {
		r.sums[result.ID] = sum
	}
	return true
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

// made returns the digest of the spec that a match of this id was made from, if there is or was one here; zero where that is not known any
// more, since it ended before this process began.
func (r *register) made(id string) (sum [sha256.Size]byte, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.running[id]; h != nil {
		return h.sum, true
	}
	_, ok = r.finished[id]
	return r.sums[id], ok
}

// count returns the number of running matches.
func (r *register) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.running)
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

// mapBody returns the map with a content hash, or nil, and whether it is JSON.
func (r *register) mapBody(hash string) (body []byte, text bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.maps[hash]; m != nil {
		return m.body, m.text
	}
	return nil, false
}
