package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// tieToParent has the kernel kill a process as soon as the thread that starts it ends, and keeps a terminal's signals from it.
func tieToParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// owns reports whether a process of this user has the connection from one address of IPv4 to another, as /proc tells.
func owns(pid int, from, to net.Addr) bool {
	socket := socketOf(from, to)
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	files, err := os.ReadDir(dir)
	if err != nil || socket == "" {
		return false
	}
	for _, f := range files {
		if name, err := os.Readlink(dir + "/" + f.Name()); err == nil && name == socket {
			return true
		}
	}
	return false
}

// socketOf is what /proc calls the socket at the from end of a connection; "" if there is none any more.
func socketOf(from, to net.Addr) string {
	f, err := os.Open("/proc/net/tcp")
	if err != nil {
		return ""
	}
	defer f.Close()
	local, remote := procAddr(from), procAddr(to)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if x := strings.Fields(lines.Text()); len(x) > 9 && x[1] == local && x[2] == remote {
			return "socket:[" + x[9] + "]"
		}
	}
	return ""
}

// procAddr is an address as /proc/net/tcp writes it: IPv4 as a number in the order of the processor's bytes, which is little-endian
// wherever this runs.
func procAddr(a net.Addr) string {
	t, ok := a.(*net.TCPAddr)
	if !ok || t.IP.To4() == nil {
		return ""
	}
	ip := t.IP.To4()
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], t.Port)
}
