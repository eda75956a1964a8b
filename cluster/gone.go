package cluster

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// Two nodes cannot vote on which of them goes on. With the setting available the one that stands by does so when the process of the other has
// ended. The end of a connection does not prove that: a node that hears nothing from the other for a moment ends it too, and goes on alone.
// A dial that is refused does, for the process listened as long as it lived. Silence proves nothing.

const (
	inquireFirst = 5 * time.Millisecond   // after a dial that was not refused comes the next: a process that is killed stops listening a little later
	inquireMost  = 250 * time.Millisecond // the longest pause between two
	inquireFor   = 20 * time.Second       // for which it is tried: who stands by has given the match up by then
)

// gone says whether a node's process has ended, or is doing the last that it does: where it listened nobody listens any more. A host that is out of
// reach says nothing.
func (n *Node) gone(ctx context.Context, node string) bool {
	p, ok := n.peer(node)
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	c, err := n.cfg.net.dial(ctx, "tcp", p.Addr)
	if err == nil {
		_ = c.Close()
	}
	return refusedDial(err)
}

// refusedDial says whether nobody listened at the address of a dial.
func refusedDial(err error) bool {
	const windows = 10061 // WSAECONNREFUSED, which package syscall does not name
	var code syscall.Errno
	return errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &code) && code == windows
}

// inquire finds out on a goroutine, one for a node at a time, whether a node to which the link broke has ended, and tells all duties. It is given up
// when there is a link again.
func (n *Node) inquire(node string) {
	n.mu.Lock()
	busy := n.asked[node]
	n.asked[node] = true
	n.mu.Unlock()
	if busy {
		return
	}
	if !n.spawn(func() { n.ascertain(node) }) {
		n.mu.Lock()
		delete(n.asked, node)
		n.mu.Unlock()
	}
}

func (n *Node) ascertain(node string) {
	pause := time.NewTimer(time.Hour)
	defer pause.Stop()
	wait, end := inquireFirst, time.Now().Add(inquireFor)
	for {
		if n.gone(n.life, node) {
			break
		}
		pause.Reset(wait)
		select {
		case <-n.stop:
			return
		case <-pause.C:
		}
		wait = min(2*wait, inquireMost)
		if n.reached(node, end) {
			return
		}
	}
	n.mu.Lock()
	delete(n.asked, node)
	n.mu.Unlock()
	n.cfg.Log.Info("the process of a node has ended", "node", node)
	for _, d := range n.duties.list() {
		d.mail.put(letter{kind: letterGone, from: node})
	}
}

// reached ends an inquiry that is not needed any more: there is a link again, the node is forgotten, or it is too late. The link's next end begins
// another one.
func (n *Node) reached(node string, end time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, known := n.view.Node(node)
	over := n.up[node] || !known || time.Now().After(end)
	if over {
		delete(n.asked, node)
	}
	return over
}
