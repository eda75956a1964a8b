package loop

import (
	"errors"
	"sync"

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
	limit  int
	closed bool
}

func (b *inbox) put(it item) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return ErrOver
	case len(b.items) >= b.limit && it.kind != itemDetach && it.kind != itemStop:
		return ErrBusy
	}
	b.items = append(b.items, it)
	return nil
}

// swap hands the items over and takes an empty slice with the memory of the ones before.
func (b *inbox) swap(empty []item) []item {
	b.mu.Lock()
	defer b.mu.Unlock()
	full := b.items
	b.items = empty[:0]
	return full
}

// close refuses what comes later and returns what is left.
func (b *inbox) close() []item {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return b.items
}
