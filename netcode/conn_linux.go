//go:build linux && !386

package netcode

import (
	"io"
	"net"
	"os"
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

// rawSocket makes single system calls on a socket, which is in non-blocking mode. The Go runtime polls it, or, between lift and lower, nobody
// does. Its owner makes one call at a time.
type rawSocket struct {
	conn syscall.RawConn // while the runtime polls
	fd   int             // while nobody does; else -1

	// Scratch space, so that a call allocates nothing.
	call func(fd uintptr) bool
	p    []byte
	n    int
	err  error
}

// newRawSocket returns nil if c is not a socket; then every write goes through the drain goroutine.
func newRawSocket(c net.Conn) *rawSocket {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	s := &rawSocket{conn: raw, fd: -1}
	s.call = func(fd uintptr) bool {
		s.n, s.err = writeOnce(int(fd), s.p)
		return true // never wait for the socket to become writable
	}
	return s
}

// The calls at every tick, which never block, are raw: of any other call the runtime tells its monitor when the process has just been idle,
// which then wakes every 20 us for a while and takes processors from calls that take as long as one to loopback does.

// writeOnce makes one write(2) on a socket that does not block.
func writeOnce(fd int, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
			continue
		}
		return 0, errno
	}
}

// write makes one write(2) and returns how many bytes the kernel took; a full queue takes none and is no error.
func (s *rawSocket) write(p []byte) (int, error) {
	if s.fd >= 0 {
		s.n, s.err = writeOnce(s.fd, p)
	} else {
		s.p = p
		err := s.conn.Write(s.call)
		s.p = nil
		if err != nil {
			return 0, err
		}
	}
	switch s.err {
	case nil:
		return s.n, nil
	case syscall.EAGAIN:
		return 0, nil
	}
	return 0, s.err
}

// queued returns how many bytes the peer's kernel has not acknowledged yet (SIOCOUTQ, which has the number of TIOCOUTQ).
func (s *rawSocket) queued() (n uint64, ok bool) {
	var bytes int32
	var errno syscall.Errno
	ask := func(fd uintptr) {
		_, _, errno = syscall.RawSyscall(syscall.SYS_IOCTL, fd, syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&bytes)))
	}
	var err error
	if s.fd >= 0 {
		ask(uintptr(s.fd))
	} else {
		err = s.conn.Control(ask)
	}
	return uint64(max(0, bytes)), err == nil && errno == 0
}

// lifted reports whether nobody polls the socket.
func (s *rawSocket) lifted() bool { return s.fd >= 0 }

// lift takes the socket of c out of the runtime's poller: a socket that stays there costs a wake-up for everything that arrives, also when
// nobody waits for it. c is closed, the socket lives on. It returns false, and changes nothing, if c is no TCP connection or there
// is no descriptor left.
func (s *rawSocket) lift(c net.Conn) bool {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return false
	}
	fd, errno := uintptr(0), syscall.Errno(0)
	err := s.conn.Control(func(old uintptr) {
		if fd, errno = duplicate(old); errno == 0 {
			_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1) // without it, what is read has just come
		}
	})
	if err != nil || errno != 0 {
		return false
	}
	_ = t.Close()
	s.fd = int(fd)
	return true
}

// lower gives the socket back to the runtime's poller. If that fails it stays lifted.
func (s *rawSocket) lower() (net.Conn, error) {
	fd, errno := duplicate(uintptr(s.fd))
	if errno != 0 {
		return nil, errno
	}
	f := os.NewFile(fd, "")
	c, err := net.FileConn(f) // has a descriptor of its own
	_ = f.Close()
	if err != nil {
		return nil, err
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		err = net.ErrClosed
	} else {
		s.conn, err = sc.SyscallConn()
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	s.close()
	return c, nil
}

// duplicate makes another descriptor of a file.
func duplicate(fd uintptr) (uintptr, syscall.Errno) {
	fd, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_DUPFD_CLOEXEC, 0)
	return fd, errno
}

// close closes a lifted socket.
func (s *rawSocket) close() {
	_ = syscall.Close(s.fd)
	s.fd = -1
}

// halfClose half-closes a lifted socket.
func (s *rawSocket) halfClose() { _ = syscall.Shutdown(s.fd, syscall.SHUT_WR) }

// inlet is scratch space for reading lifted sockets: a goroutine has one for all of its sockets.
type inlet struct {
	buf     []byte
	iov     syscall.Iovec
	msg     syscall.Msghdr
	control [64]byte
}

// newInlet makes an inlet that takes size bytes at a time.
func newInlet(size int) *inlet {
	in := &inlet{buf: make([]byte, size)}
	in.iov.Base = &in.buf[0]
	in.iov.SetLen(size)
	in.msg.Iov, in.msg.Iovlen = &in.iov, 1
	in.msg.Control = &in.control[0]
	return in
}

// read makes one recvmsg(2) on a lifted socket. It returns what has come, nil if nothing has; and when the last of it came, in ns since
// 1970 by the kernel's clock, 0 if that is not known. The bytes are the inlet's, until the next call. io.EOF is the end.
func (s *rawSocket) read(in *inlet) (p []byte, at int64, err error) {
	for {
		in.msg.SetControllen(len(in.control))
		n, _, errno := syscall.RawSyscall(syscall.SYS_RECVMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&in.msg)), syscall.MSG_DONTWAIT)
		switch {
		case errno == syscall.EINTR:
			continue
		case errno == syscall.EAGAIN:
			return nil, 0, nil
		case errno != 0:
			return nil, 0, errno
		case n == 0:
			return nil, 0, io.EOF
		}
		return in.buf[:n], in.stamp(), nil
	}
}

// waiter reads from a socket that the runtime polls, with an inlet that it has for as long as there is something to read.
type waiter struct {
	call func(fd uintptr) bool // try, made once
	in   *inlet                // nil: there is nothing
	n    int
	err  error
}

func newWaiter() *waiter {
	w := &waiter{}
	w.call = w.try
	return w
}

// try makes one read(2). It returns false if nothing has come.
func (w *waiter) try(fd uintptr) bool {
	w.in = inlets.Get().(*inlet)
	for {
		if w.n, w.err = syscall.Read(int(fd), w.in.buf); w.err != syscall.EINTR {
			break
		}
	}
	if w.err == syscall.EAGAIN {
		w.done()
		return false
	}
	return true
}

// done gives the inlet back, and what was read with it.
func (w *waiter) done() {
	if w.in != nil {
		inlets.Put(w.in)
		w.in = nil
	}
}

// await waits until something comes on a socket that is not lifted. The bytes are the waiter's until done. io.EOF is the end.
func (s *rawSocket) await(w *waiter) ([]byte, error) {
	err := s.conn.Read(w.call)
	switch {
	case err != nil:
	case w.err != nil:
		err = w.err
	case w.n == 0:
		err = io.EOF
	default:
		return w.in.buf[:w.n], nil
	}
	w.done()
	return nil, err
}

// stamp returns the time that came with the last call, or 0.
func (in *inlet) stamp() int64 {
	const head = syscall.SizeofCmsghdr
	if int(in.msg.Controllen) < head+int(unsafe.Sizeof(syscall.Timespec{})) {
		return 0
	}
	h := (*syscall.Cmsghdr)(unsafe.Pointer(&in.control[0]))
	if h.Level != syscall.SOL_SOCKET || h.Type != syscall.SCM_TIMESTAMPNS {
		return 0
	}
	return (*syscall.Timespec)(unsafe.Pointer(&in.control[head])).Nano()
}
