package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// demoNode is one node of the demonstration: a process of this very program.
type demoNode struct {
	// static after start
	name    string // for people: A, B, C
	dir     string // its recordings
	player  string // HOST:PORT of its listeners, as the next three
	admin   string
	gossip  string
	link    string
	private [2]string // cut: where gossip and link really listen, behind the wires; "" otherwise
	cmd     *exec.Cmd
	exited  chan struct{} // closed when the process is gone
	process atomic.Int64  // its id; any goroutine may read it

	id string // of the node in the cluster; owned by the demonstration
}

// demoEvent is a line of a node's log that the demonstration tells about.
type demoEvent struct {
	at    time.Time
	node  *demoNode
	msg   string
	match string
	epoch string
	tick  string
}

// launch is what all nodes of a demonstration have in common.
type launch struct {
	exe    string
	dir    string
	events chan demoEvent // what is not taken in time is dropped
}

// newNode finds free ports for a node.
func (l *launch) newNode(name string) (*demoNode, error) {
	n := &demoNode{name: name, dir: filepath.Join(l.dir, name), exited: make(chan struct{})}
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return nil, err
	}
	for _, p := range []struct {
		addr *string
		udp  bool
	}{{&n.player, false}, {&n.admin, false}, {&n.gossip, true}, {&n.link, false}} {
		var err error
		if *p.addr, err = freeAddress(p.udp); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// Ports of the nodes lie below those that systems give to outgoing connections, which would take one between its choice and its use.
const (
	firstPort = 20_000
	morePorts = 12_000
)

// nextPort counts the ports that were tried, so that no two nodes of this process are given the same one before either listens. It begins
// anywhere: other processes may do the same.
var nextPort atomic.Uint32

func init() { nextPort.Store(rand.Uint32N(morePorts)) }

// freeAddress returns an address on loopback that nobody listens on right now: by TCP, and with udp by UDP too. Any goroutine.
func freeAddress(udp bool) (string, error) {
	var err error
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+nextPort.Add(1)%morePorts)
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err != nil {
			continue
		}
		if udp {
			var p net.PacketConn
			if p, err = net.ListenPacket("udp", addr); err == nil {
				p.Close()
			}
		}
		l.Close()
		if err == nil {
			return addr, nil
		}
	}
	return "", err
}

// start starts the process. It is killed when ctx ends, and dies with this one where the system can see to that.
func (l *launch) start(ctx context.Context, n *demoNode, join []string) error {
	args := []string{
		"serve", "--listen", n.player, "--admin", n.admin, "--record", n.dir, "--secret-file", filepath.Join(l.dir, "secret"),
		"--gossip", n.gossip, "--link", n.link, "--join", strings.Join(join, ","), "--empty-after", "30s", "--log-format", "text",
	}
	if n.private[0] != "" {
		args = append(args, "--gossip", n.private[0], "--advertise", n.gossip, "--link", n.private[1], "--advertise-link", n.link)
	}
	n.cmd = exec.CommandContext(ctx, l.exe, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "OVERTIME_") || strings.HasPrefix(v, "OVERTIME_TEST_") { // flags of other commands are not meant for it
			n.cmd.Env = append(n.cmd.Env, v)
		}
	}
	tieToParent(n.cmd)
	logs, err := n.cmd.StderrPipe()
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(l.dir, n.name+".log"))
	if err != nil {
		return err
	}
	started := make(chan error)
	go func() { // ends with the process
		runtime.LockOSThread() // the process is tied to the thread that started it
		defer runtime.UnlockOSThread()
		err := n.cmd.Start()
		if err == nil {
			n.process.Store(int64(n.cmd.Process.Pid))
		}
		started <- err
		if err != nil {
			file.Close()
			close(n.exited)
			return
		}
		l.follow(n, logs, file)
		_ = n.cmd.Wait()
		file.Close()
		close(n.exited)
	}()
	return <-started
}

// follow copies a node's log until its end and picks out what is worth telling.
func (l *launch) follow(n *demoNode, logs io.Reader, file io.Writer) {
	lines := bufio.NewScanner(logs)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fmt.Fprintf(file, "%s\n", lines.Bytes())
		msg := logValue(lines.Text(), "msg")
		if msg != logTaken && msg != logOther {
			continue
		}
		at, err := time.Parse(time.RFC3339, logValue(lines.Text(), "time"))
		if err != nil {
			at = time.Now()
		}
		e := demoEvent{at, n, msg, logValue(lines.Text(), "match"), logValue(lines.Text(), "epoch"), logValue(lines.Text(), "tick")}
		select {
		case l.events <- e:
		default: // it is in the file
		}
	}
	_, _ = io.Copy(file, logs) // after a line that is too long
}

// Messages of a node's log that are told about.
const (
	logTaken = "match taken over"
	logOther = "another node owns a match of this one"
)

// logValue returns the value of a key in a line of slog's text handler.
func logValue(line, key string) string {
	_, rest, ok := strings.Cut(" "+line, " "+key+"=")
	if !ok {
		return ""
	}
	if strings.HasPrefix(rest, `"`) {
		if q, err := strconv.QuotedPrefix(rest); err == nil {
			s, _ := strconv.Unquote(q)
			return s
		}
	}
	v, _, _ := strings.Cut(rest, " ")
	return v
}

// gone reports whether the process has ended.
func (n *demoNode) gone() bool {
	select {
	case <-n.exited:
		return true
	default:
		return false
	}
}

// quit ends processes: politely, then not. It returns when they are gone.
func quit(nodes []*demoNode, patience time.Duration) {
	var all sync.WaitGroup
	for _, n := range nodes {
		if n.cmd == nil || n.cmd.Process == nil {
			continue
		}
		all.Go(func() {
			if patience > 0 && terminate(n.cmd.Process) == nil {
				t := time.NewTimer(patience)
				defer t.Stop()
				select {
				case <-n.exited:
					return
				case <-t.C:
				}
			}
			_ = n.cmd.Process.Kill()
			<-n.exited
		})
	}
	all.Wait()
}

// errGone says that a node ended by itself.
var errGone = errors.New("a node ended by itself")

// ready waits until a node takes players.
func (n *demoNode) ready(ctx context.Context, api *demoAPI) error {
	for {
		if api.get(ctx, "http://"+n.player+"/readyz", nil) == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("node %s does not get ready: %w", n.name, ctx.Err())
		case <-n.exited:
			return fmt.Errorf("%w: %s", errGone, n.name)
		case <-time.After(20 * time.Millisecond): // asks another process; there is nothing to wait for
		}
	}
}
