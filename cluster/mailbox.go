package cluster

import "sync"

// mailLimit is how many letters of other nodes may wait for one duty: 10 s of a match at 30 Hz with all that its guards say. What comes
// on top is dropped and counted: the sender's guard says it again, and a standby asks for ticks that it missed.
const mailLimit = 1024

// letter is one thing that a duty has to look at. Which fields count is at the kind.
type letter struct {
	kind letterKind
	from string // node
	body []byte // letterGuard, letterReplica; both and letterSnapshot are the mail of other nodes
	tick uint32 // letterLogged, letterFrozen
	text string // letterOffer: standby. letterMove: target
	also string // letterOffer: witness
	err  error  // letterDown
	snap any    // letterSnapshot: *replica.Snapshot
	done chan error
}

type letterKind uint8

const (
	letterGuard      letterKind = 1 + iota // a guard's message of a peer, from the match's id on
	letterReplica                          // journal of the owner, or a follower's answer
	letterSnapshot                         // a state came over a connection of its own
	letterUp                               // the link to a peer is there
	letterDown                             // it broke
	letterGone                             // the process of a peer has ended
	letterLogged                           // the match stepped a tick
	letterFrozen                           // the match stands still after a tick
	letterOffer                            // who may stand by and be the witness
	letterOver                             // the match is over, and its end has left
	letterEnded                            // the directory says that the match is over as of the epoch in tick
	letterMoveAt                           // the last tick here, of a match that moves
	letterMove                             // an operator wants the match on another node
	letterRelieve                          // a member of the list is about to leave
	letterBulkFailed                       // a snapshot did not reach a follower
)

// mailbox is a queue with one reader. Everybody may put.
type mailbox struct {
	wake chan struct{} // room for one

	mu      sync.Mutex // guards the following
	letters []letter
	mail    int // of them, those of other nodes
	logged  uint32
	closed  bool
}

func newMailbox() mailbox { return mailbox{wake: make(chan struct{}, 1)} }

// put queues a letter; false if there is no room, or nobody reads any more. Only letters of other nodes can lack room.
func (m *mailbox) put(l letter) bool {
	m.mu.Lock()
	mail := l.kind == letterGuard || l.kind == letterReplica || l.kind == letterSnapshot
	if m.closed || mail && m.mail >= mailLimit {
		m.mu.Unlock()
		return false
	}
	if mail {
		m.mail++
	}
	m.letters = append(m.letters, l)
	m.mu.Unlock()
	m.ring()
	return true
}

// log says that the match stepped a tick. Ticks that nobody looked at yet become one.
func (m *mailbox) log(tick uint32) {
	m.mu.Lock()
	m.logged = tick
	m.mu.Unlock()
	m.ring()
}

func (m *mailbox) ring() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// take returns what is there, and the last tick stepped if it was not taken yet, else 0. spare is memory for the next letters.
func (m *mailbox) take(spare []letter) (letters []letter, tick uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	letters, tick = m.letters, m.logged
	m.letters, m.mail, m.logged = spare[:0], 0, 0
	return letters, tick
}

func (m *mailbox) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
}
