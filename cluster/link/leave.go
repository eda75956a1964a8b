package link

import "time"

// leave lets go of the connection in peace: nothing more is queued or served, what is queued is written, what the peer
// has sent is read until it closes.
func (c *conn) leave(why error, reason uint8) {
	if !c.stop(why, reason == byeIdle) {
		return // a call came just now
	}
	c.part(why, &frame{typ: frameBye, kind: reason})
}

// stop decides: it lets no call begin, in either direction. With ifIdle it does so only if none is under way in either, and
// reports whether it did: a connection that goes on must not be left with one direction stopped. From then on callers look
// for another connection, so that this one may end before part: why must be known.
func (c *conn) stop(why error, ifIdle bool) bool {
	c.calls.mu.Lock()
	defer c.calls.mu.Unlock()
	c.served.mu.Lock()
	defer c.served.mu.Unlock()
	if ifIdle && (len(c.calls.pending) > 0 || len(c.served.running) > 0) {
		return false
	}
	c.calls.dead, c.served.stopped = errNotServed, true
	c.why.CompareAndSwap(nil, &why)
	return true
}

// bidden is the answer to a bye.
func (c *conn) bidden(reason uint8) {
	why := ErrClosed
	switch reason {
	case byeIdle:
		why = ErrIdle
	case byeUnknown:
		why = ErrUnknown
	}
	c.part(why, nil) // out of use first: the calls look for another connection at once
	if reason == byeIdle {
		c.calls.fail(errNotServed)
	}
}

// part takes the connection out of use, queues a last frame, if there is one, and lets the rest drain.
func (c *conn) part(why error, last *frame) {
	c.why.CompareAndSwap(nil, &why)
	c.p.retire(c)
	c.out.finish(last)
	time.AfterFunc(drainTime, func() { c.close(why) })
}

// replaced ends a connection whose peer has dialled anew. What the peer said on it is read first, for a heartbeat: the new
// dial may have overtaken a bye, by which calls learn that they were not served. Where the peer is through with it, as it
// nearly always is, that takes no longer than its end of file.
func (c *conn) replaced() {
	c.stop(ErrReplaced, false)
	c.out.finish(nil)
	time.AfterFunc(c.l.cfg.Heartbeat, func() { c.close(ErrReplaced) })
}
