package link

import "time"

// leave lets go of the connection in peace: nothing more is queued or served, what is queued is written, what the peer
// has sent is read until it closes.
func (c *conn) leave(why error, reason uint8) {
	idle := reason == byeIdle
	if !c.calls.stop(idle) || !c.served.stop(idle) {
		return // a call came just now
	}
	c.part(why, &frame{typ: frameBye, kind: reason})
}

// bidden is the answer to a bye.
func (c *conn) bidden(reason uint8) {
	why := ErrClosed
	switch reason {
	case byeIdle:
		why = ErrIdle
		c.calls.fail(errNotServed)
	case byeUnknown:
		why = ErrUnknown
	}
	c.part(why, nil)
}

func (c *conn) part(why error, last *frame) {
	c.why.CompareAndSwap(nil, &why)
	c.p.retire(c)
	c.out.finish(last)
	time.AfterFunc(drainTime, func() { c.close(why) })
}
