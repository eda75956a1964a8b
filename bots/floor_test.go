//go:build unix

package bots_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lxzan/gws"

	"github.com/overtime-server/overtime/bots"
	"github.com/overtime-server/overtime/cluster"
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
)

// The floor is the least that a Go server over gws must pay for a player: one read of a small message and one raw write of a
// prebuilt frame per tick, no game, no protocol. BenchmarkPlayer measures a node against it, both in processes of their own
// that run this test binary again.

const (
	floorHz     = 30
	floorEnv    = "OVERTIME_TEST_SERVER"
	floorSample = 68 // bytes of a client's message with one sample
)

func TestMain(m *testing.M) {
	switch kind, size, _ := strings.Cut(os.Getenv(floorEnv), " "); kind {
	case "floor":
		n, _ := strconv.Atoi(size)
		serveFloor(n)
	case "node":
		serveNode()
	default:
		os.Exit(m.Run())
	}
}

// obey prints where the process serves, answers every line of standard input with the microseconds of CPU used so far, and
// returns at its end.
func obey(address string) {
	fmt.Println(address)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var u syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		fmt.Println(time.Duration(u.Utime.Nano() + u.Stime.Nano()).Microseconds())
	}
}

func serveNode() {
	n, err := cluster.Start(cluster.Config{
		Games: []game.Def{arena.Game()}, Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	obey(n.URL() + " " + n.AdminURL())
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	n.Stop(ctx)
}

// sink takes what players send.
type sink struct{ gws.BuiltinEventHandler }

func (sink) OnMessage(_ *gws.Conn, m *gws.Message) { m.Close() }

// serveFloor writes a frame of size bytes to everybody at every tick.
func serveFloor(size int) {
	frame := append([]byte{0x82, byte(size - 2)}, make([]byte, size-2)...)
	if size >= 128 {
		frame = append([]byte{0x82, 126, byte((size - 4) >> 8), byte(size - 4)}, make([]byte, size-4)...)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var mu sync.Mutex
	var fds []int
	up := gws.NewUpgrader(sink{}, &gws.ServerOption{ReadBufferSize: 512, ParallelGolimit: 1, ReadMaxPayloadSize: 4096})
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r)
		if err != nil {
			return
		}
		raw, _ := c.NetConn().(*net.TCPConn).SyscallConn()
		raw.Control(func(fd uintptr) {
			mu.Lock()
			fds = append(fds, int(fd))
			mu.Unlock()
		})
		go c.ReadLoop()
	}))
	go func() {
		for range time.Tick(time.Second / floorHz) {
			mu.Lock()
			for _, fd := range fds {
				syscall.Write(fd, frame)
			}
			mu.Unlock()
		}
	}()
	obey(l.Addr().String())
}

// server is a process that serves.
type server struct {
	address string
	in      io.WriteCloser
	out     *bufio.Scanner
	cmd     *exec.Cmd
}

func startServer(b *testing.B, what string) *server {
	s := &server{cmd: exec.Command(os.Args[0])}
	s.cmd.Env = append(os.Environ(), floorEnv+"="+what, "GOMAXPROCS=1")
	s.cmd.Stderr = os.Stderr
	in, err := s.cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	s.in, s.out = in, bufio.NewScanner(out)
	s.out.Scan()
	s.address = s.out.Text()
	return s
}

// cpu returns the CPU time that the process has used.
func (s *server) cpu(b *testing.B) time.Duration {
	fmt.Fprintln(s.in)
	s.out.Scan()
	us, err := strconv.ParseInt(s.out.Text(), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(us) * time.Microsecond
}

func (s *server) stop() {
	s.in.Close()
	s.cmd.Wait()
}

// BenchmarkPlayer prints what a player costs a node each second, as a multiple of the floor. The players are bots in the
// arena; the floor's clients read frames as large as the node's were on average and send as much.
func BenchmarkPlayer(b *testing.B) {
	const matches, players, seconds = 10, 16, 4
	for range b.N {
		node := startServer(b, "node")
		target, admin, _ := strings.Cut(node.address, " ")
		var before, after time.Duration
		rep, err := bots.Run(b.Context(), bots.Config{
			Target: target, Admin: admin, Matches: matches, Players: players, Duration: seconds * time.Second, Game: "arena",
			Games: map[string]game.Def{"arena": arena.Game()},
			Progress: writer(func(line []byte) {
				switch {
				case strings.Contains(string(line), " 1 s:"):
					before = node.cpu(b)
				case strings.Contains(string(line), fmt.Sprintf(" %d s:", seconds-1)):
					after = node.cpu(b)
				}
			}),
		})
		node.stop()
		if err != nil || !rep.OK() {
			b.Fatalf("%+v, %v", rep, err)
		}
		cost := (after - before) / (matches * players) / (seconds - 2)
		floor := floorCost(b, int(rep.WireBytesPerPlayerS/floorHz), matches*players, seconds-2)
		b.ReportMetric(float64(cost.Microseconds()), "node-us/player/s")
		b.ReportMetric(float64(floor.Microseconds()), "floor-us/player/s")
		b.ReportMetric(float64(cost)/float64(floor), "x-floor")
		b.ReportMetric(rep.WireBytesPerPlayerS, "B/player/s")
	}
	b.ReportMetric(0, "ns/op")
}

// floorCost measures the floor.
func floorCost(b *testing.B, size, players, seconds int) time.Duration {
	s := startServer(b, "floor "+strconv.Itoa(size))
	defer s.stop()
	for range players {
		c, err := net.Dial("tcp", s.address)
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		go answer(c)
	}
	time.Sleep(time.Second)
	before := s.cpu(b)
	time.Sleep(time.Duration(seconds) * time.Second)
	return (s.cpu(b) - before) / time.Duration(players*seconds)
}

// answer is a client that sends a message for everything that it reads.
func answer(c net.Conn) {
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	message := append([]byte{0x82, 0x80 | floorSample, 1, 2, 3, 4}, make([]byte, floorSample)...)
	buf := make([]byte, 1024)
	for {
		if _, err := c.Read(buf); err != nil {
			return
		}
		c.Write(message)
	}
}
