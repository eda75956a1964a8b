package cluster

import (
	"errors"
	"math"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/cluster/guard"
	"github.com/overtime-server/overtime/cluster/link"
	"github.com/overtime-server/overtime/cluster/replica"
)

// duty is this node's part in the ownership of one match: owner, standby, witness, or candidate for one of these. It is one
// goroutine that drives a guard and does what the guard says.
type duty struct {
	// static
	node  *Node
	match string
	mail  mailbox
	began time.Time

	shown  atomic.Pointer[guard.Record] // what the API shows
	copies atomic.Bool                  // there is a copy of the match here
	idle   atomic.Bool                  // it will never own the match again
	ceded  atomic.Pointer[ceded]        // what this node stepped down for; nil: it did not, or has taken over again
	unfit  atomic.Bool                  // a node that was asked to stand by last has not got the rules
	shuns  atomic.Bool                  // a node that is there was not asked last: it was too slow as standby

	released atomic.Uint32 // owner: ticks up to here would survive this node, or there is nobody who could go on with them

	// owned by the goroutine
	guard    *guard.Guard
	timer    *time.Timer
	watched  map[string]func() // links that are kept up, with what lets them go
	host     *hosted           // owner: the match; nil otherwise
	source   *replica.Source   // owner: the journal's way out
	standby  *replica.Standby  // follower: the copy
	meta     matchMeta         // follower: what the owner's node knows besides the state
	tenure   uint32            // follower: of the journal that it takes
	stepped  time.Time         // follower: when its last tick came, about when the owner stepped it
	seeking  bool              // a question for candidates is on its way
	move     chan error        // who waits for the end of a move; nil: nobody
	buf      []byte            // memory for messages
	spare    []letter
	out      guard.Message
	logged   uint32           // owner: last tick stepped
	even     int64            // owner: when all that was stepped had been released, last
	offered  [2]string        // owner: standby and witness that were offered last
	declines map[string]int64 // owner: nodes that were offered and took no part, and until when they are left out
	lonely   int64            // owner: since when there is no node in place of a witness that is lost; 0: there is one
	away     int64            // owner: even, when players were sent away last
	late     lateness         // owner: of the standby
	lags     lags             // owner: of those before
	finished bool             // the match is over: nothing more is done for it but answering
}

// Kinds of one-way messages on links.
const (
	kindGuard   uint8 = 1 // guard.Append
	kindReplica uint8 = 2 // replica.Message.Append
)

func (n *Node) newDuty(match string) *duty {
	return &duty{node: n, match: match, mail: newMailbox(), began: n.began, watched: map[string]func(){}, lags: lags{}, timer: time.NewTimer(time.Hour)}
}

// now is the guard's clock.
func (d *duty) now() int64 { return time.Since(d.began).Milliseconds() }

// run is the duty's goroutine. It ends with the node, or when the match is long over.
func (d *duty) run() {
	defer d.end()
	d.obey()
	for {
		now := d.now()
		wait := time.Minute
		if at := d.guard.Deadline(); at != math.MaxInt64 {
			wait = min(wait, max(0, time.Duration(at-now)*time.Millisecond))
		}
		if !d.await(wait) {
			return
		}
		d.obey()
		if d.guard.Done(d.now()) { // never before the first letter: a guard that was just enlisted has no part yet
			return
		}
	}
}

// await handles what comes next, at the latest the guard's deadline. It returns false when the node stops.
func (d *duty) await(deadline time.Duration) bool {
	if deadline == 0 { // what is due needs no timer
		select {
		case <-d.node.stop:
			return false
		default:
			d.guard.Tick(d.now())
			return true
		}
	}
	d.timer.Reset(deadline)
	select {
	case <-d.node.stop:
		return false
	case <-d.timer.C:
		d.guard.Tick(d.now())
	case <-d.mail.wake:
		d.read()
	}
	return true
}

// end lets go of everything.
func (d *duty) end() {
	d.mail.close()
	d.timer.Stop()
	for _, release := range d.watched {
		release()
	}
	d.moved(errors.New("the node stops"))
	d.node.duties.drop(d)
}

// read looks at all letters.
func (d *duty) read() {
	letters, tick := d.mail.take(d.spare)
	if tick != 0 {
		d.logged = tick
		d.guard.Logged(d.now(), tick)
		d.obey()
	}
	for i := range letters {
		d.letter(&letters[i])
		d.obey()
	}
	d.hurry()
	clear(letters)
	d.spare = letters
}

func (d *duty) letter(l *letter) {
	now := d.now()
	switch l.kind {
	case letterGuard:
		if guard.Parse(l.body, &d.out) != nil {
			d.node.duties.malformed.Add(1)
			return
		}
		d.guard.Receive(now, l.from, &d.out)
	case letterReplica:
		d.replica(l.from, l.body)
	case letterSnapshot:
		d.swap(l.from, l.snap.(*replica.Snapshot))
	case letterUp:
		d.guard.Up(now, l.from)
	case letterDown:
		d.lost(l.from, l.err)
	case letterGone:
		d.guard.Down(now, l.from, guard.Gone)
	case letterFrozen:
		d.guard.Frozen(now, l.tick)
	case letterOffer:
		d.offer(l.text, l.also)
	case letterOver:
		d.finished = true
		d.guard.End(now)
	case letterEnded:
		if l.tick >= d.guard.List().Epoch { // else it went on since
			d.guard.Ended(now)
		}
	case letterMoveAt:
		d.guard.MoveAt(now, l.tick)
	case letterMove:
		d.startMove(l.text, l.done)
	case letterRelieve:
		d.relieve()
	case letterBulkFailed:
		if d.source != nil {
			d.source.BulkFailed(l.from)
		}
	}
}

// lost takes in that the link to a peer broke. Neither silence nor an end of the connection proves that the process died, but after the latter the
// guard asks for a vote at once.
func (d *duty) lost(peer string, why error) {
	if d.source != nil {
		d.source.Down(peer)
	}
	loss := guard.Silence
	switch {
	case link.Ended(why):
		loss = guard.EOF
	case errors.Is(why, link.ErrIdle), errors.Is(why, link.ErrReplaced):
		return // the peer is well
	}
	d.guard.Down(d.now(), peer, loss)
}

// replica takes a message about the journal.
func (d *duty) replica(from string, b []byte) {
	m, err := replica.Parse(b)
	if err != nil {
		d.node.duties.malformed.Add(1)
		return
	}
	switch m.Kind {
	case replica.KindAck, replica.KindNeed:
		if d.source != nil {
			err := d.source.Receive(from, &m)
			if d.logDivergence(err); errors.Is(err, replica.ErrRefused) { // the guard need not wait for it
				d.guard.Unable(d.now(), from)
			}
		}
	default:
		d.follow(from, &m)
	}
}

// send sends a guard's message. One that is lost is said again.
func (d *duty) send(peer string, m *guard.Message) {
	d.buf = guard.Append(d.buf[:0], d.match, m)
	_ = d.node.links.Send(peer, kindGuard, d.buf)
}
