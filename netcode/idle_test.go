package netcode

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/schema"
)

var idleConnections = flag.Int("idle", 800, "connections of TestIdleConnections; each takes two file descriptors")

// memoryInUse returns the bytes of the heap and of stacks that are in use after a collection, and what the process has resident.
func memoryInUse() (heap, stacks, resident int) {
	runtime.GC()
	runtime.GC() // what pools held
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		pages, _ := strconv.Atoi(strings.Fields(string(b))[1])
		resident = pages * os.Getpagesize()
	}
	return int(m.HeapInuse), int(m.StackInuse), resident
}

// TestIdleConnections prints what a player's connection takes while nothing happens in his match: session, buffers, goroutine, his seat
// and his rows. The peers are sockets in the same process that nobody reads, some hundred bytes each that count too.
//
//	go test ./netcode -run TestIdleConnections -v -idle 9500   9.8 KiB each, 11.5 resident; a few MiB of one process are in it
func TestIdleConnections(t *testing.T) {
	const seats = 16
	n := *idleConnections / seats * seats
	e := startTCP(t, func(c *Config) { c.MaxMatches, c.MaxPlayers = 1<<16, 1<<16 })
	defer e.stop()
	for i := range n / seats {
		e.match(fmt.Sprint("m", i), (&lab{}).in(func(c *loop.Config) { c.Hz, c.Seats, c.Empty = 5, seats+1, -1 }))
	}
	warm := idle(t, e, "m0", "warm")
	defer warm.Close()
	joined := func(n int) {
		for end := time.Now().Add(patience); e.srv.stats.Joined.Load() < uint64(n); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d of %d joined; refused: %v, closed: %v", e.srv.stats.Joined.Load(), n, e.srv.stats.Refused(), e.srv.stats.Closes())
			}
		}
	}
	joined(1)
	heap, stacks, resident := memoryInUse()
	var conns []net.Conn
	for i := range n {
		conns = append(conns, idle(t, e, fmt.Sprint("m", i/seats), fmt.Sprint("p", i)))
		defer conns[i].Close()
	}
	joined(n + 1)
	heap2, stacks2, resident2 := memoryInUse()
	kib := func(a, b int) float64 { return float64(b-a) / 1024 / float64(n) }
	t.Logf("%d idle connections: %.1f KiB each, %.1f heap and %.1f stacks; resident %.1f KiB", n, kib(heap+stacks, heap2+stacks2), kib(heap, heap2), kib(stacks, stacks2), kib(resident, resident2))
	if x := kib(heap+stacks, heap2+stacks2); x > 20 && !raceDetector {
		t.Errorf("%.1f KiB for an idle connection", x)
	}
}

// idle is a player who joins and then neither reads nor writes.
func idle(t *testing.T, e *edge, match, id string) net.Conn {
	c, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	h := goodHandshake(e.addr).add("Sec-WebSocket-Extensions", "permessage-deflate; client_no_context_takeover")
	if _, err := io.WriteString(c, h.String()); err != nil {
		t.Fatal(err)
	}
	var p [512]byte
	if k, err := c.Read(p[:]); err != nil || !bytes.Contains(p[:k], []byte(" 101 ")) {
		t.Fatalf("%s, %v", p[:k], err)
	}
	var w schema.ClientWriter
	if _, err := c.Write(frame(fin|opBinary, w.Hello(&schema.Hello{Version: schema.Version, Token: e.token(match, id)}))); err != nil {
		t.Fatal(err)
	}
	return c
}
