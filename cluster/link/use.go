package link

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"
)

// errNotServed says that a call failed before it could be served, so that it may be made again.
var errNotServed = errors.New("link: not served")

// Call asks a peer and waits for its answer, until ctx ends and at most for Config.CallTimeout; the peer's handler is
// given the time that is left. It connects first where there is no connection. Errors: ErrUnknown, ErrDown, ErrFull,
// ErrTooLarge, ErrClosed, *Error from the peer, context.DeadlineExceeded, context.Canceled. body may be reused when Call has
// returned; the answer is the caller's.
func (l *Links) Call(ctx context.Context, peer, method string, body []byte) ([]byte, error) {
	if len(body) > MaxBody || !validName(method) {
		return nil, ErrTooLarge
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.CallTimeout)
	defer cancel()
	l.count.callsOut.Add(1)
	var answer []byte
	err := ctx.Err()
	if err == nil {
		answer, err = l.call(ctx, peer, method, body)
	}
	l.countCall(err)
	return answer, err
}

// call tries again on another connection where one was let go as the call came.
func (l *Links) call(ctx context.Context, peer, method string, body []byte) ([]byte, error) {
	p, err := l.known(peer)
	if err != nil {
		return nil, err
	}
	for range 3 {
		var c *conn
		if c, err = p.connect(ctx); err != nil {
			return nil, err
		}
		var answer []byte
		if answer, err = c.call(ctx, method, body); !errors.Is(err, errNotServed) {
			return answer, err
		}
		p.retire(c) // it takes no calls any more, and who lets it go may not have come so far
	}
	return nil, downError(err)
}

func (l *Links) countCall(err error) {
	var failure *Error
	switch {
	case err == nil:
	case errors.As(err, &failure):
		l.count.callErrors.add(callPeer)
	case errors.Is(err, context.DeadlineExceeded):
		l.count.callErrors.add(callTimeout)
	case errors.Is(err, context.Canceled):
		l.count.callErrors.add(callCancelled)
	case errors.Is(err, ErrFull):
		l.count.callErrors.add(callFull)
	default:
		l.count.callErrors.add(callDown)
	}
}

// Send queues a one-way message and never blocks. Messages arrive in order, or are lost with the connection (Down says so).
// ErrDown when there is no connection: one is being made. ErrFull, ErrUnknown, ErrTooLarge, ErrClosed. body may be reused
// when Send has returned.
func (l *Links) Send(peer string, kind uint8, body []byte) error {
	if len(body) > MaxBody {
		return ErrTooLarge
	}
	p, err := l.known(peer)
	if err != nil {
		l.count.drops.add(dropDown)
		return err
	}
	c := p.cur.Load()
	if c == nil {
		l.count.drops.add(dropDown)
		p.ask()
		return ErrDown
	}
	switch c.put(&frame{typ: frameMessage, kind: kind, body: body}, 0) {
	case full:
		l.count.drops.add(dropFull)
		return ErrFull
	case gone:
		l.count.drops.add(dropLeaving)
		p.ask()
		return ErrDown
	}
	l.count.messagesOut.Add(1)
	return nil
}

// Watch keeps a connection to the peer up until release is called: it is dialled again with back-off, and silence is
// noticed. Watches are counted; release may be called more than once. A peer that is not known yet is dialled once it is.
func (l *Links) Watch(peer string) (release func()) {
	p := l.watch(peer)
	if p == nil {
		return func() {}
	}
	return sync.OnceFunc(func() { p.watch(-1) })
}

// watch counts a watch at the peer's entry, which must not be one that is just being forgotten.
func (l *Links) watch(id string) *peer {
	for {
		p := l.entry(id)
		if p == nil || p.watch(1) {
			return p
		}
	}
}

// Silent returns the time since anything came from a peer on its connection, now or before; the largest duration if
// nothing ever came.
func (l *Links) Silent(peer string) time.Duration {
	l.mu.RLock()
	p := l.peers[peer]
	l.mu.RUnlock()
	if p == nil || p.heard.Load() == 0 {
		return math.MaxInt64
	}
	return l.now() - time.Duration(p.heard.Load())
}

// RTT returns the last round trip of a ping to a peer; 0 if there was none. Connections begin with a ping, watched and
// quiet ones repeat it.
func (l *Links) RTT(peer string) time.Duration {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if p := l.peers[peer]; p != nil {
		return time.Duration(p.rtt.Load())
	}
	return 0
}
