//go:build !linux || 386

package netcode

import (
	"net"
	"time"
)

// setSocketOptions sets what every system has: no Nagle delay.
func setSocketOptions(c *net.TCPConn, _ int, _ time.Duration) { _ = c.SetNoDelay(true) }

// rawSocket does not exist here: every write goes through the drain goroutine, every read through the runtime's poller.
type rawSocket struct{}

func newRawSocket(net.Conn) *rawSocket { return nil }

func (*rawSocket) write([]byte) (int, error) { return 0, nil }

func (*rawSocket) queued() (uint64, bool) { return 0, false }

func (*rawSocket) lifted() bool { return false }

func (*rawSocket) lift(net.Conn) bool { return false }

func (*rawSocket) lower() (net.Conn, error) { return nil, net.ErrClosed }

func (*rawSocket) close() {}

func (*rawSocket) halfClose() {}

type inlet struct{}

func newInlet(int) *inlet { return nil }

func (*rawSocket) read(*inlet) ([]byte, int64, error) { return nil, 0, net.ErrClosed }

type waiter struct{}

func newWaiter() *waiter { return nil }

func (*waiter) done() {}

func (*rawSocket) await(*waiter) ([]byte, error) { return nil, net.ErrClosed }
