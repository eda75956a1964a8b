//go:build !linux

package netcode

import (
	"net"
	"time"
)

// setSocketOptions sets what every system has: no Nagle delay.
func setSocketOptions(c *net.TCPConn, _ int, _ time.Duration) { _ = c.SetNoDelay(true) }

// rawWriter does not exist here: every write goes through the drain goroutine.
type rawWriter struct{}

func newRawWriter(net.Conn) *rawWriter { return nil }

func (*rawWriter) write([]byte) (int, error) { return 0, nil }

func (*rawWriter) queued() (uint64, bool) { return 0, false }
