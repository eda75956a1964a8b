package relay

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// Dialer returns a dial function that makes connections with the conditions of a profile. Every connection has its own
// seed, drawn from the given one by the order of dialling. dial may be nil for plain TCP. The function may be called from
// any goroutine.
func Dialer(p Profile, seed uint64, dial func(ctx context.Context, network, addr string) (net.Conn, error)) func(ctx context.Context, network, addr string) (net.Conn, error) {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	var count atomic.Uint64
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return Wrap(c, p, mix(seed, count.Add(1))), nil
	}
}

// mix draws the n-th seed of a seed (the finaliser of splitmix64; S. Vigna, 2015).
func mix(seed, n uint64) uint64 {
	z := seed + n*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Serve relays every connection that l accepts to the TCP address to, under the conditions of a profile, until ctx ends
// or l fails; then it closes l and all connections and returns. After ctx ended the error is nil.
func Serve(ctx context.Context, l net.Listener, to string, p Profile, seed uint64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	dial := Dialer(p, seed, nil)
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				err = nil
			}
			return err
		}
		wg.Go(func() { join(ctx, c, to, dial) })
	}
}

// join connects a client to the server and copies both ways until either ends.
func join(ctx context.Context, client net.Conn, to string, dial func(context.Context, string, string) (net.Conn, error)) {
	server, err := dial(ctx, "tcp", to)
	if err != nil {
		client.Close()
		return
	}
	stop := context.AfterFunc(ctx, func() {
		client.Close()
		server.(*Conn).Cut(false)
	})
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(server, client)
		server.Close()
	}()
	_, err = io.Copy(client, server)
	if l, ok := client.(*net.TCPConn); ok && errors.Is(err, ErrCut) {
		l.SetLinger(0)
	}
	client.Close()
	<-done
}
