package member

import (
	"context"
	"time"
)

const (
	farewellGap   = 3 * gossipInterval // between the farewell, its repetition and the end
	leaveDeadline = 2 * time.Second    // for memberlist to tell that we are gone
)

// Leave announces that this node goes, and returns when the others have probably heard it, in about half a second, or
// with the error of ctx. The node still listens until Close, but does not seek others any more.
func (m *Members) Leave(ctx context.Context) error {
	m.leaveMu.Lock()
	defer m.leaveMu.Unlock()
	if m.ctx.Err() != nil {
		return ErrClosed
	}
	if m.left.Swap(true) {
		return nil
	}
	m.inbox.leave(m.cfg.ID)
	// memberlist's own farewell looks like a death to its callbacks, so ours must be there first.
	e := envelope{kind: kindLeft, from: m.cfg.ID}
	b := e.append(nil)
	m.spread(&e, b)
	for range 2 {
		m.direct(b)
		if err := m.sleep(ctx, farewellGap); err != nil {
			return err
		}
	}
	limit := leaveDeadline
	if by, ok := ctx.Deadline(); ok {
		limit = max(time.Millisecond, min(limit, time.Until(by)))
	}
	if err := m.list.Leave(limit); err != nil { // the others know already that we go, and will notice
		m.log.Debug("memberlist's farewell was not sent", "err", err)
	}
	return m.sleep(ctx, farewellGap)
}

// sleep waits for d or until it is pointless.
func (m *Members) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-m.ctx.Done():
		return ErrClosed
	case <-t.C:
		return nil
	}
}
