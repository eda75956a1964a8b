//go:build unix

package main

import (
	"os"
	"syscall"
)

// suspend stops a process as a host that freezes would, resume lets it go on.
func suspend(p *os.Process) error   { return p.Signal(syscall.SIGSTOP) }
func resume(p *os.Process) error    { return p.Signal(syscall.SIGCONT) }
func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
