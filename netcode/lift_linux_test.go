//go:build linux && !386

package netcode

import (
	"net"
	"syscall"
	"testing"
	"time"
)

// A process that has no descriptor left cannot give a connection back to the runtime's poller. That ends nobody: it is done as soon as there is one.
func TestLowerWithoutDescriptors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := newNBConn(near)
	defer c.Close()
	c.start(time.Second)
	if !c.lift() {
		t.Fatal("not lifted")
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 1, Max: limit.Max}); err != nil {
		t.Skip(err)
	}
	lowered := c.lower()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if lowered || c.failure() != nil {
		t.Fatalf("lowered: %v, %v", lowered, c.failure())
	}
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	var p [2]byte
	if !c.lower() {
		t.Fatal("not lowered")
	}
	if n, err := c.Read(p[:]); n != 1 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}
