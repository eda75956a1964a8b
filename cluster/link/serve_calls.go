package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// gate bounds what is served for one peer at once, over all its connections.
type gate struct {
	calls, bytes int // bounds

	mu      sync.Mutex
	running int
	held    int // bytes of their bodies
}

// enter admits a call with a body of n bytes.
func (g *gate) enter(n int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running >= g.calls || g.held+n > g.bytes {
		return false
	}
	g.running++
	g.held += n
	return true
}

func (g *gate) exit(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	g.held -= n
}

// incoming are the calls that are served on one connection.
type incoming struct {
	mu      sync.Mutex
	running map[uint64]context.CancelFunc // until the answer is queued
	stopped bool
}

var (
	errStopped   = errors.New("no more calls are served")
	errDuplicate = fmt.Errorf("%w: a call's number twice", ErrProtocol)
)

func (in *incoming) begin(num uint64, cancel context.CancelFunc) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.stopped {
		return errStopped
	}
	if in.running[num] != nil {
		return errDuplicate
	}
	in.running[num] = cancel
	return nil
}

func (in *incoming) end(num uint64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.running, num)
}

// cancel ends the context of a call whose caller has gone.
func (in *incoming) cancel(num uint64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if cancel := in.running[num]; cancel != nil {
		cancel()
	}
}

// serve begins a call of the peer. An error ends the connection.
func (c *conn) serve(f *frame) error {
	size := len(f.body)
	if !c.p.serving.enter(size) {
		c.l.count.refusals.add(refusedBusy)
		c.fail(f.num, &Error{Code: CodeBusy})
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, time.Duration(f.left)*time.Millisecond)
	num, method, body := f.num, string(f.name), bytes.Clone(f.body)
	err := c.served.begin(num, cancel)
	if err == nil && !c.l.spawn(func() {
		defer c.p.serving.exit(size)
		defer cancel()
		c.handle(ctx, num, method, body)
	}) {
		c.served.end(num)
		err = errStopped
	}
	if err == nil {
		c.l.count.callsIn.Add(1)
		return nil
	}
	cancel()
	c.p.serving.exit(size)
	if err == errStopped {
		c.l.count.drops.add(dropLeaving)
		return nil
	}
	return err
}

// handle runs the handler and sends what it says. The call is under way until then: an idle end in between would lose the
// answer, and the caller would have it served again.
func (c *conn) handle(ctx context.Context, num uint64, method string, body []byte) {
	defer c.served.end(num)
	answer, err := c.handler(ctx, method, body)
	timeout := errors.Is(ctx.Err(), context.DeadlineExceeded)
	var failure *Error
	switch {
	case err == nil && len(answer) > MaxBody:
		c.fail(num, &Error{Code: CodeInternal, Text: "the answer is too large"})
	case err == nil:
		if c.put(&frame{typ: frameAnswer, num: num, body: answer}, 0) == full {
			c.l.count.drops.add(dropFull)
			c.fail(num, &Error{Code: CodeBusy, Text: "the answer does not fit into the queue"})
		}
	case errors.As(err, &failure):
		c.fail(num, failure)
	case c.l.ctx.Err() != nil: // this node is closing: the caller sees the connection end
	case timeout:
		c.fail(num, &Error{Code: CodeTimeout})
	default:
		c.fail(num, &Error{Code: CodeInternal, Text: err.Error()})
	}
}

// handler calls Config.Call; a panic costs this call only.
func (c *conn) handler(ctx context.Context, method string, body []byte) (answer []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			c.l.count.refusals.add(refusedPanic)
			c.l.cfg.Log.Error("handler of a call panicked", "method", method, "peer", c.p.id, "panic", v, "stack", string(debug.Stack()))
			err = &Error{Code: CodeInternal, Text: "panic"}
		}
	}()
	return c.l.cfg.Call(ctx, c.p.id, method, body)
}

// fail answers a call with a failure.
func (c *conn) fail(num uint64, e *Error) {
	code, text := e.Code, e.Text
	if !validName(code) {
		code = CodeInternal
	}
	c.must(&frame{typ: frameFailure, num: num, name: []byte(code), body: []byte(text[:min(len(text), maxText)])})
}
