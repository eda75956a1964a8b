package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// Ports that a process can be started at again: below those that any system gives to outgoing connections, and each used once.
const (
	firstPort = 10_000
	morePorts = 6_000
)

// lastPort counts the ports that were given out. It begins anywhere, for systems where other processes share the address.
var lastPort atomic.Uint32

func init() { lastPort.Store(rand.Uint32N(morePorts)) }

// ownHost is an address of loopback that no other process has, where the system has more than one: so nobody takes a port while the process
// that listens at it is down, or has not come so far.
var ownHost = sync.OnceValue(func() string {
	host := fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		return "127.0.0.1"
	}
	l.Close()
	return host
})

// lasting finds addresses for a process that listens at them again when it is started again. Any goroutine.
func lasting(addrs ...*string) error {
	syscall.ForkLock.RLock() // else a process that is just being started would have our listeners, too, until it runs
	defer syscall.ForkLock.RUnlock()
	for _, addr := range addrs {
		var err error
		for range 100 {
			*addr = fmt.Sprintf("%s:%d", ownHost(), firstPort+lastPort.Add(1)%morePorts)
			if err = free(*addr); err == nil {
				break
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// free reports whether nobody listens at an address, by TCP or UDP; a service that listens at all addresses may.
func free(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer l.Close()
	p, err := net.ListenPacket("udp", addr)
	if err == nil {
		err = p.Close()
	}
	return err
}

// No two calls get the same address, and whoever listens at one keeps it.
func TestLasting(t *testing.T) {
	got := map[string]bool{}
	for range 50 {
		var a, b string
		if err := lasting(&a, &b); err != nil {
			t.Fatal(err)
		}
		if got[a] || got[b] || a == b {
			t.Fatalf("%s and %s after %v", a, b, got)
		}
		got[a], got[b] = true, true
		l, err := net.Listen("tcp", a)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if free(a) == nil {
			t.Errorf("%s is said to be free", a)
		}
	}
}
