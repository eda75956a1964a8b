package netcode

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	largeMatch = 32 // members from which on a match is written by more than one goroutine
	shardSize  = 16 // members that are written in one go
	maxPens    = 7  // beside the matches' own goroutines
)

// pens write for large matches. A system call for every member takes several microseconds: for 200 of them, that is a good part of a tick. One
// set of goroutines serves all matches of a server, one less than there are processors; a match that finds them busy writes alone.
type pens struct {
	work chan *fleet // without a buffer: who can put something in has found somebody idle
	n    int
	done sync.WaitGroup
}

// start makes the goroutines; they end with ctx, and done waits for them.
func (p *pens) start(ctx context.Context) {
	p.work = make(chan *fleet)
	p.n = min(runtime.GOMAXPROCS(0)-1, maxPens)
	for range p.n {
		p.done.Go(func() {
			for {
				select {
				case f := <-p.work:
					f.help()
				case <-ctx.Done():
					return
				}
			}
		})
	}
}

// hire has an idle goroutine help with a fleet, if there is one.
func (p *pens) hire(f *fleet) bool {
	select {
	case p.work <- f:
		return true
	default:
		return false
	}
}

// fleet is what one match has to write in one tick, in shards. Each shard is taken by one goroutine, so every connection is
// written by one, and the match waits for all of them: the order on a connection is that of the ticks.
type fleet struct {
	members []*session    // corked; the match's goroutine changes them only while no shard is open
	open    atomic.Uint64 // number of the tick in the upper half, shards that nobody has taken in the lower
	left    atomic.Int32  // shards that are not written yet
	last    chan struct{} // gets a value when a helper has written the last shard; of size 1
}

// flush writes to everybody in the fleet and empties it. Called by the match's goroutine.
func (f *fleet) flush(p *pens) {
	shards := (len(f.members) + shardSize - 1) / shardSize
	switch {
	case shards == 0:
		return
	case f.last == nil:
		f.last = make(chan struct{}, 1)
	}
	f.left.Store(int32(shards))
	f.open.Store((f.open.Load()>>32+1)<<32 | uint64(shards)) // from here on helpers of earlier ticks that are late may help too
	for i := 0; i < min(p.n, shards-1) && p.hire(f); i++ {
	}
	wrote := false
	for f.shard(&wrote) {
	}
	if !wrote {
		<-f.last
	}
	clear(f.members)
	f.members = f.members[:0]
}

// help writes shards until none is open.
func (f *fleet) help() {
	wrote := false
	for f.shard(&wrote) {
	}
	if wrote {
		f.last <- struct{}{}
	}
}

// shard writes one shard and reports whether there was one; last becomes true if it was the last to be written.
func (f *fleet) shard(last *bool) bool {
	for {
		v := f.open.Load()
		n := int(uint32(v))
		if n == 0 {
			return false
		}
		if !f.open.CompareAndSwap(v, v-1) {
			continue
		}
		for _, x := range f.members[(n-1)*shardSize : min(n*shardSize, len(f.members))] {
			_ = x.Flush() // fails only where the connection is gone, which its reader reports
		}
		*last = f.left.Add(-1) == 0
		return true
	}
}
