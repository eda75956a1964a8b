package main

import (
	"os/exec"
	"syscall"
)

// tieToParent has the kernel kill a process as soon as the thread that starts it ends, and keeps a terminal's signals from it.
func tieToParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
