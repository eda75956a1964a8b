package link

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"
)

// result is how a call ended.
type result struct {
	body []byte
	err  error
}

// outgoing are the calls of this node on one connection.
type outgoing struct {
	mu      sync.Mutex
	last    uint64
	pending map[uint64]chan result
	dead    error // the connection ends: no call begins
}

// begin gives a call its number and the channel of its result.
func (o *outgoing) begin() (uint64, chan result, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dead != nil {
		return 0, nil, o.dead
	}
	o.last++
	ch := make(chan result, 1)
	o.pending[o.last] = ch
	return o.last, ch, nil
}

// end forgets a call; it reports whether it was still waiting.
func (o *outgoing) end(num uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.pending[num]
	delete(o.pending, num)
	return ok
}

// deliver ends a call with its result. False if nobody waits for it.
func (o *outgoing) deliver(num uint64, r result) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	ch, ok := o.pending[num]
	if ok {
		delete(o.pending, num)
		ch <- r
	}
	return ok
}

// fail ends all calls.
func (o *outgoing) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.dead == nil {
		o.dead = errNotServed // later ones were never sent
	}
	for num, ch := range o.pending {
		delete(o.pending, num)
		ch <- result{err: err}
	}
}

func (o *outgoing) waiting() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.pending) > 0
}

// call sends a call and waits.
func (c *conn) call(ctx context.Context, method string, body []byte) ([]byte, error) {
	left := time.Millisecond // ctx has a deadline: Links.Call gave it one
	if at, ok := ctx.Deadline(); ok {
		left = max(left, time.Until(at))
	}
	num, ch, err := c.calls.begin()
	if err != nil {
		return nil, err
	}
	f := frame{typ: frameCall, num: num, left: uint32(min(left.Milliseconds(), 1<<31)), name: []byte(method), body: body}
	switch c.put(&f, 0) {
	case full:
		c.calls.end(num)
		return nil, ErrFull
	case gone:
		c.calls.end(num)
		return nil, errNotServed
	}
	select {
	case r := <-ch:
		return r.body, asDown(r.err)
	case <-ctx.Done():
		if c.calls.end(num) {
			c.must(&frame{typ: frameCancel, num: num})
		}
		return nil, ctx.Err()
	}
}

// asDown makes the end of a connection, or of the peer's time, a caller's error.
func asDown(err error) error {
	var failure *Error
	switch {
	case errors.As(err, &failure) && failure.Code == CodeTimeout: // its clock was faster than this one
		return context.DeadlineExceeded
	case err == nil, failure != nil, errors.Is(err, errNotServed):
		return err
	}
	return downError(err)
}

// answered gives an answer to the call that waits for it.
func (c *conn) answered(f *frame) {
	r := result{}
	if f.typ == frameFailure {
		r.err = &Error{Code: string(f.name), Text: string(f.body)}
	} else {
		r.body = bytes.Clone(f.body)
	}
	if !c.calls.deliver(f.num, r) {
		c.l.count.drops.add(dropLate)
	}
}
