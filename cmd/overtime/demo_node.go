package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
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
	wired   bool   // cut: others reach its gossip and link through a wire, whose addresses they have
	cmd     *exec.Cmd
	serves  chan struct{} // closed when the addresses are known: the process listens
	exited  chan struct{} // closed when the process is gone
	process atomic.Int64  // its id; any goroutine may read it

	// HOST:PORT at which others reach it. One that is "" at the start is of the system's choice, and known when serves is closed.
	player, admin, gossip, link string
	inner                       struct{ gossip, link string } // where it really listens; known when serves is closed

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

// newNode makes a node that has not started.
func (l *launch) newNode(name string) (*demoNode, error) {
	n := &demoNode{name: name, dir: filepath.Join(l.dir, name), serves: make(chan struct{}), exited: make(chan struct{})}
	return n, os.MkdirAll(n.dir, 0o700)
}

// anyPort is an address to listen on. Only the system can give a port that nobody else takes before it is listened on.
const anyPort = "127.0.0.1:0"

// listenOn returns the flags that say where a node listens.
func (n *demoNode) listenOn() []string {
	list := []string{"--listen", cmp.Or(n.player, anyPort), "--admin", cmp.Or(n.admin, anyPort)}
	if n.wired {
		return append(list, "--gossip", anyPort, "--advertise", n.gossip, "--link", anyPort, "--advertise-link", n.link)
	}
	return append(list, "--gossip", cmp.Or(n.gossip, anyPort), "--link", cmp.Or(n.link, anyPort))
}

// start starts the process. It is killed when ctx ends, and dies with this one where the system can see to that.
func (l *launch) start(ctx context.Context, n *demoNode, join []string) error {
	args := append([]string{"serve"}, n.listenOn()...)
	args = append(args, "--record", n.dir, "--secret-file", filepath.Join(l.dir, "secret"), "--join", strings.Join(join, ","),
		"--empty-after", "30s", "--log-format", "text")
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
		if msg == logServing {
			n.learn(lines.Text())
		}
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

// learn takes the addresses from the line that says that a node serves. Called by follow alone. Addresses that were known before are read by
// others all the time.
func (n *demoNode) learn(line string) {
	if n.serving() {
		return // it says so once
	}
	n.inner.gossip, n.inner.link = logValue(line, "gossip"), logValue(line, "link")
	for addr, is := range map[*string]string{
		&n.player: strings.TrimPrefix(logValue(line, "players"), "http://"), &n.admin: strings.TrimPrefix(logValue(line, "admin"), "http://"),
		&n.gossip: n.inner.gossip, &n.link: n.inner.link,
	} {
		if *addr == "" {
			*addr = is
		}
	}
	close(n.serves)
}

// serving reports whether a node's addresses are known.
func (n *demoNode) serving() bool {
	select {
	case <-n.serves:
		return true
	default:
		return false
	}
}

// Messages of a node's log that say where it is, and that are told about.
const (
	logServing = "serving"
	logTaken   = "match taken over"
	logOther   = "another node owns a match of this one"
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

// addressed waits until a node that was started listens, and its addresses are known.
func (n *demoNode) addressed(ctx context.Context) error {
	select {
	case <-n.serves:
		return nil
	case <-n.exited:
		return fmt.Errorf("%w: %s", errGone, n.name)
	case <-ctx.Done():
		return fmt.Errorf("node %s does not serve: %w", n.name, ctx.Err())
	}
}

// ready waits until a node takes players.
func (n *demoNode) ready(ctx context.Context, api *demoAPI) error {
	if err := n.addressed(ctx); err != nil {
		return err
	}
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
