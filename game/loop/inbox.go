package loop

import (
	"errors"
	"sync"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// Attach is a request to let a link in.
type Attach struct {
	Who    journal.Join
	Resume bool   // with a resume token:
	Player uint32 // his number,
	Gen    uint32 // and its generation
}

// Errors of the methods of Match that edges call.
var (
	ErrOver = errors.New("match is over")
	ErrBusy = errors.New("match inbox is full")
	ErrSize = errors.New("too many bytes for a match")
)

type itemKind uint8

const (
	itemAttach itemKind = iota
	itemAnswer          // the link has received its welcome
	itemSample
	itemAck // of reliable messages
	itemCommand
	itemDetach
	itemLeave
	itemAdmin
	itemKick
	itemStop
	itemPause  // number: 1 pauses, 0 goes on
	itemFinish // data is the result
	itemSay    // data is the text
)

// item is one thing that somebody left for a match.
type item struct {
	kind   itemKind
	link   Link
	sample Sample
	number uint32 // command number, message acknowledged, Outcome of a stop
	attach *Attach
	data   []byte
	id     string
}

// inbox is where other goroutines leave things for a match; the match empties it at every tick.
type inbox struct {
	mu     sync.Mutex
	items  []item // at most limit, but for detach and stop, which are always taken
	events int    // of those, at most maxEvents that the journal will hold
	bytes  int    // of their data, at most maxEventBytes
	limit  int
	closed bool
}

// What waits for one tick must fit into one journal record: an item makes at most three events (an attach: spend,
// return, and drop when it breaks at once), to which come a drop for everybody who is there already, and the stop.
const (
	maxEvents     = (journal.MaxEvents - game.MaxSeats - maxSpectators - 1) / 3
	maxEventBytes = journal.MaxRecord / 2
)

// journaled reports whether an item becomes events with data of the sender's choice, or of his number.
func (it *item) journaled() bool {
	switch it.kind {
	case itemAttach, itemAnswer, itemCommand, itemLeave, itemAdmin, itemKick, itemPause, itemFinish, itemSay:
		return true
	}
	return false
}

func (b *inbox) put(it item) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return ErrOver
	case it.kind == itemDetach || it.kind == itemStop:
	case len(b.items) >= b.limit:
		return ErrBusy
	case it.journaled():
		if b.events >= maxEvents || b.bytes+len(it.data) > maxEventBytes {
			return ErrBusy
		}
		b.events++
		b.bytes += len(it.data)
	}
	b.items = append(b.items, it)
	return nil
}

// swap hands the items over and takes an empty slice with the memory of the ones before.
func (b *inbox) swap(empty []item) []item {
	b.mu.Lock()
	defer b.mu.Unlock()
	full := b.items
	b.items, b.events, b.bytes = empty[:0], 0, 0
	return full
}

// close refuses what comes later and returns what is left.
func (b *inbox) close() []item {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return b.items
}
