//go:build linux

package netcode

import (
	"net"
	"syscall"
	"time"
	"unsafe"
)

// Socket options that package syscall does not name; the numbers are the same on every architecture (linux/tcp.h).
const (
	tcpUserTimeout  = 18
	tcpNotSentLowat = 25
)

// setSocketOptions prepares an accepted TCP connection: no Nagle delay; at most lowat bytes that TCP has not sent yet,
// so that a slow reader shows after some KB instead of 4 MB; data that nobody acknowledges for userTimeout ends the
// connection. Options that fail are left as they are: the connection works without them.
func setSocketOptions(c *net.TCPConn, lowat int, userTimeout time.Duration) {
	_ = c.SetNoDelay(true)
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpNotSentLowat, lowat)
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(userTimeout.Milliseconds()))
	})
}

// rawWriter makes single write calls on a socket, which is in non-blocking mode since the Go runtime polls it. Its
// fields are scratch space, so that a call allocates nothing; its owner makes one call at a time.
type rawWriter struct {
	conn syscall.RawConn
	call func(fd uintptr) bool
	p    []byte
	n    int
	err  error
}

// newRawWriter returns nil if c is not a socket; then every write goes through the drain goroutine.
func newRawWriter(c net.Conn) *rawWriter {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	w := &rawWriter{conn: raw}
	w.call = func(fd uintptr) bool {
		for {
			w.n, w.err = syscall.Write(int(fd), w.p)
			if w.err != syscall.EINTR {
				return true // never wait for the socket to become writable
			}
		}
	}
	return w
}

// write makes one write(2) and returns how many bytes the kernel took; a full queue takes none and is no error.
func (w *rawWriter) write(p []byte) (int, error) {
	w.p = p
	err := w.conn.Write(w.call)
	w.p = nil
	switch {
	case err != nil:
		return 0, err
	case w.err == syscall.EAGAIN:
		return 0, nil
	case w.err != nil:
		return 0, w.err
	}
	return w.n, nil
}

// queued returns how many bytes the peer's kernel has not acknowledged yet (SIOCOUTQ, which has the number of TIOCOUTQ).
func (w *rawWriter) queued() (n uint64, ok bool) {
	var bytes int32
	var errno syscall.Errno
	err := w.conn.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&bytes)))
	})
	return uint64(max(0, bytes)), err == nil && errno == 0
}
