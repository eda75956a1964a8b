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
	return &timerfd{file: os.NewFile(fd, "timerfd"), fd: fd}, nil
}

func (t *timerfd) ring(in time.Duration) {
	t.spec.value = syscall.NsecToTimespec(int64(in))
	_, _, _ = syscall.RawSyscall6(syscall.SYS_TIMERFD_SETTIME, t.fd, 0, uintptr(unsafe.Pointer(&t.spec)), 0, 0, 0) // fails for a bad argument only
}

func (t *timerfd) wait() error {
	var expirations [8]byte
	_, err := t.file.Read(expirations[:])
	return err
}

func (t *timerfd) close() error { return t.file.Close() }
