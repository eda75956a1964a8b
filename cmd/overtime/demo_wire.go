package main

import (
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// wire carries what other nodes send to one node, for --fault cut: TCP connections and gossip's packets come to the addresses that the node
// advertises, which are this process's, and go on to where it really listens. While either end is cut off nothing passes: bytes of
// connections wait, as they do on a broken network, packets are lost.
type wire struct {
	// static
	node  *demoNode
	cut   *cutter
	tcp   []net.Listener // gossip, link
	udp   net.PacketConn
	ctx   context.Context
	close context.CancelFunc
	work  sync.WaitGroup

	peers func() []*wire // all wires; they do not change once nodes run
}

// cutter knows who is cut off. Any goroutine may use it.
type cutter struct {
	mu     sync.Mutex // guards the following
	node   *demoNode
	healed chan struct{} // closed when node is connected again
}

// set cuts a node off, or connects it again.
func (c *cutter) set(n *demoNode, off bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if off {
		c.node, c.healed = n, make(chan struct{})
	} else if c.node == n {
		c.node = nil
		close(c.healed)
	}
}

// between returns nil if what two nodes send each other passes, else a channel that is closed when it does again.
func (c *cutter) between(a, b *demoNode) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.node == nil || c.node != a && c.node != b {
		return nil
	}
	return c.healed
}

// pass waits until what two nodes send each other passes; false if ctx ended.
func (c *cutter) pass(ctx context.Context, a, b *demoNode) bool {
	for ctx.Err() == nil {
		healed := c.between(a, b)
		if healed == nil {
			return true
		}
		select {
		case <-healed:
		case <-ctx.Done():
		}
	}
	return false
}

// wire puts a wire before a node that has not started.
func (d *demonstration) wire(n *demoNode) (err error) {
	w := &wire{node: n, cut: &d.cutter, peers: func() []*wire { return d.wires }}
	w.ctx, w.close = context.WithCancel(context.Background())
	d.wires = append(d.wires, w)
	if err = w.listen(); err != nil {
		return err
	}
	n.wired, n.gossip, n.link = true, w.tcp[0].Addr().String(), w.tcp[1].Addr().String()
	return nil
}

// portTries is how often a port that is free for TCP is tried with UDP.
const portTries = 100

// listen opens the sockets that others reach the node at. They are open before anybody knows of them, so nobody takes their ports.
func (w *wire) listen() error {
	var gossip net.Listener
	for try := 1; ; try++ {
		var err error
		if gossip, err = net.Listen("tcp", anyPort); err != nil {
			return err
		}
		if w.udp, err = net.ListenPacket("udp", gossip.Addr().String()); err == nil {
			break
		}
		_ = gossip.Close()
		if try == portTries {
			return err
		}
	}
	w.tcp = append(w.tcp, gossip)
	link, err := net.Listen("tcp", anyPort)
	if err == nil {
		w.tcp = append(w.tcp, link)
	}
	return err
}

// connect begins to carry, once all wires are there.
func (w *wire) connect() {
	w.work.Go(func() { w.accept(w.tcp[0], func() string { return w.node.inner.gossip }) })
	w.work.Go(func() { w.accept(w.tcp[1], func() string { return w.node.inner.link }) })
	w.work.Go(w.packets)
}

// unwire ends all wires.
func (d *demonstration) unwire() {
	for _, w := range d.wires {
		w.close()
		for _, l := range w.tcp {
			_ = l.Close()
		}
		if w.udp != nil {
			_ = w.udp.Close()
		}
	}
	for _, w := range d.wires {
		w.work.Wait()
	}
}

// accept carries connections until the listener is closed. to is asked when the node serves.
func (w *wire) accept(l net.Listener, to func() string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		w.work.Go(func() { w.carry(c, to) })
	}
}

// carry carries one connection to its end.
func (w *wire) carry(in net.Conn, to func() string) {
	defer in.Close()
	from := w.dialler(in)
	if from == nil || !w.cut.pass(w.ctx, from, w.node) {
		return
	}
	select {
	case <-w.node.serves:
	case <-w.ctx.Done():
		return
	}
	out, err := (&net.Dialer{Timeout: time.Second}).DialContext(w.ctx, "tcp", to())
	if err != nil {
		return
	}
	defer out.Close()
	stop := context.AfterFunc(w.ctx, func() { _, _ = in.Close(), out.Close() })
	defer stop()
	done := make(chan struct{})
	go func() {
		w.pump(in, out, from)
		close(done)
	}()
	w.pump(out, in, from)
	<-done
}

// lookTwice is how often a connection is looked for among those of all nodes: the list changes while it is read, and may lack one.
const lookTwice = 3

// dialler finds the node that made a connection; nil if it is none's, or not any more.
func (w *wire) dialler(in net.Conn) *demoNode {
	for range lookTwice {
		for _, x := range w.peers() {
			if x.node != w.node && owns(x.node.pid(), in.RemoteAddr(), in.LocalAddr()) {
				return x.node
			}
		}
	}
	return nil
}

// pump copies one direction of a connection, its end too.
func (w *wire) pump(to, src net.Conn, other *demoNode) {
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		if !w.cut.pass(w.ctx, other, w.node) {
			return
		}
		if n > 0 {
			if _, e := to.Write(buf[:n]); e != nil {
				_ = src.Close()
				return
			}
		}
		if err != nil {
			if half, ok := to.(*net.TCPConn); ok && err == io.EOF {
				_ = half.CloseWrite()
				return
			}
			_ = to.Close()
			return
		}
	}
}

// packets carries gossip's packets. Each leaves from the address that its sender advertises. As on any network, one may be lost: here
// those of and to a node that has not said yet where it is.
func (w *wire) packets() {
	var to net.Addr
	buf := make([]byte, 64<<10)
	for {
		n, from, err := w.udp.ReadFrom(buf)
		if err != nil {
			return
		}
		if to == nil && w.node.serving() {
			if to, err = net.ResolveUDPAddr("udp", w.node.inner.gossip); err != nil {
				return
			}
		}
		i := slices.IndexFunc(w.peers(), func(x *wire) bool { return x.node.serving() && x.node.inner.gossip == from.String() })
		if i < 0 || to == nil {
			continue
		}
		if x := w.peers()[i]; w.cut.between(x.node, w.node) == nil {
			_, _ = x.udp.WriteTo(buf[:n], to)
		}
	}
}

// pid is the id of a node's process; 0 if it has not started.
func (n *demoNode) pid() int { return int(n.process.Load()) }
