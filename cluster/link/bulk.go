package link

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// bulk is a connection whose bytes are its users'.
type bulk struct {
	net.Conn
	p    *peer
	r    io.Reader // what came with the upgrade, then the connection
	mine bool
	once sync.Once
}

// Read reads from the connection.
func (b *bulk) Read(to []byte) (int, error) { return b.r.Read(to) }

// CloseWrite tells the other end that nothing follows.
func (b *bulk) CloseWrite() error {
	if t, ok := b.Conn.(*tls.Conn); ok {
		return t.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Close ends the connection. Bytes that were written before still arrive. It may take 5 s where the peer takes nothing.
func (b *bulk) Close() error {
	b.once.Do(func() { b.p.releaseBulk(b) })
	return b.Conn.Close()
}

// Open makes a bulk connection: bytes on it delay nothing else. The caller closes it, and sets deadlines against a peer that
// stalls; Close of Links closes it too, and so does the peer's disappearance from Config.Peer. An end of file is no proof
// that all has come (crypto/tls does not tell a process that died): say how much there is. The connection has a method
// CloseWrite() error. Errors as of Call.
func (l *Links) Open(ctx context.Context, peer, kind string) (net.Conn, error) {
	if !validName(kind) {
		return nil, ErrTooLarge
	}
	p, err := l.known(peer)
	if err != nil {
		return nil, err
	}
	if err := p.refused(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, l.cfg.DialTimeout)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	nc, r, err := l.handshake(ctx, peer, kind, claim{dial: l.dials.Add(1)})
	var failure *Error
	switch {
	case errors.As(err, &failure) || errors.Is(err, ErrUnknown):
		return nil, err
	case err != nil:
		return nil, downError(err)
	}
	b := &bulk{Conn: nc, r: r, p: p, mine: true}
	if !p.keepBulk(b) {
		rawClose(nc)
		return nil, ErrDown
	}
	return b, nil
}

// refused says that the breaker is open.
func (p *peer) refused() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cur.Load() == nil && p.brk.open(time.Now()) {
		return downError(p.failed)
	}
	return nil
}

// acceptBulk hands a bulk connection of the peer to Config.Stream.
func (p *peer) acceptBulk(nc net.Conn, r io.Reader, kind string) {
	b := &bulk{Conn: nc, r: r, p: p}
	if p.l.cfg.Stream == nil || !p.keepBulk(b) {
		p.l.count.refusals.add(refusedBulk)
		refuse(nc, http.StatusServiceUnavailable, p.l.cfg.WriteTimeout)
		return
	}
	if p.greet(nc) != nil || !p.l.spawn(func() { p.l.cfg.Stream(p.id, kind, b) }) {
		p.releaseBulk(b)
		rawClose(nc)
	}
}

// greet answers the upgrade.
func (p *peer) greet(nc net.Conn) error {
	if err := nc.SetWriteDeadline(time.Now().Add(p.l.cfg.WriteTimeout)); err != nil {
		return err
	}
	if _, err := nc.Write([]byte(accepted)); err != nil {
		return err
	}
	return nc.SetWriteDeadline(time.Time{})
}

// keepBulk counts a bulk connection, so that it ends with the peer. False if there are too many, or the peer is gone.
func (p *peer) keepBulk(b *bulk) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone || p.shutDown || !b.mine && p.accepted >= p.l.cfg.MaxStreams {
		return false
	}
	if !b.mine {
		p.accepted++
	}
	p.bulks[b] = struct{}{}
	return true
}

func (p *peer) releaseBulk(b *bulk) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.bulks[b]; ok && !b.mine {
		p.accepted--
	}
	delete(p.bulks, b)
}
