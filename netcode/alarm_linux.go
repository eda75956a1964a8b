package netcode

import (
	"os"
	"syscall"
	"time"
	"unsafe"
)

// timerfd is a timer of the kernel as a file that the runtime's poller watches.
type timerfd struct {
	file *os.File
	conn syscall.RawConn
	fd   uintptr    // the file's
	spec itimerspec // of the last ring, kept so that a ring allocates nothing
}

const clockMonotonic = 1

// itimerspec is the kernel's: an interval, which stays zero, and the time until it expires.
type itimerspec struct{ interval, value syscall.Timespec }

func newBell() (bell, error) {
	fd, _, errno := syscall.RawSyscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		return nil, os.NewSyscallError("timerfd_create", errno)
	}
	t := &timerfd{file: os.NewFile(fd, "timerfd"), fd: fd}
	var err error
	if t.conn, err = t.file.SyscallConn(); err != nil {
		_ = t.file.Close()
		return nil, err
	}
	return t, nil
}

// expired reports whether the timer has expired since the last call.
func expired(fd uintptr) bool {
	var expirations [8]byte
	_, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&expirations)), uintptr(len(expirations)))
	return errno != syscall.EAGAIN
}

func (t *timerfd) ring(in time.Duration) {
	t.spec.value = syscall.NsecToTimespec(int64(in))
	_, _, _ = syscall.RawSyscall6(syscall.SYS_TIMERFD_SETTIME, t.fd, 0, uintptr(unsafe.Pointer(&t.spec)), 0, 0, 0) // fails for a bad argument only
}

func (t *timerfd) wait() error { return t.conn.Read(expired) }

func (t *timerfd) close() error { return t.file.Close() }
