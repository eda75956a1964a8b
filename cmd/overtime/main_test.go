package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets the test binary be the program: processes that tests start from it find the variable set.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Setenv(asProgram, "1")
	goleak.VerifyTestMain(m)
}

// patience is how long anything that a process or a cluster does may take before a test gives up: a bound for what would never come, on a
// machine that is busy with other things.
const patience = time.Minute

// asProgram is the variable that makes the test binary run main.
const asProgram = "OVERTIME_TEST_AS_PROGRAM"

// buffer is a bytes.Buffer that one goroutine writes while another reads.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// program is one run of the program within the test.
type program struct {
	out, err buffer
	signals  chan os.Signal
	code     chan int
}

// start runs the program; env holds NAME=value.
func start(env []string, args ...string) *program {
	p := &program{signals: make(chan os.Signal, 2), code: make(chan int, 1)}
	getenv := func(name string) string {
		for _, e := range env {
			if v, ok := strings.CutPrefix(e, name+"="); ok {
				return v
			}
		}
		return ""
	}
	go func() {
		p.code <- run(process{env: getenv, out: &p.out, err: &p.err, signals: p.signals}, args)
	}()
	return p
}

// wait waits for the end and returns the exit code.
func (p *program) wait(t *testing.T) int {
	t.Helper()
	select {
	case code := <-p.code:
		return code
	case <-time.After(3 * patience): // a demonstration has its own limit
		t.Fatalf("still running; standard error:\n%s", p.err.String())
	}
	return -1
}

var playable = regexp.MustCompile(`playable at (http://\S+)/\n`)

// serving waits until a node serves and returns its address and that of its admin listener.
func (p *program) serving(t *testing.T) (url, admin string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if m := playable.FindStringSubmatch(p.err.String()); m != nil {
			a := regexp.MustCompile(`admin=(\S+)`).FindStringSubmatch(p.err.String())
			return m[1], a[1]
		}
		select {
		case code := <-p.code:
			t.Fatalf("exit code %d; standard error:\n%s", code, p.err.String())
		case <-time.After(5 * time.Millisecond): // the only sign that there is comes through a pipe
		}
	}
	t.Fatalf("not serving; standard error:\n%s", p.err.String())
	return "", ""
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

const loopback = "127.0.0.1:0"

// What is wrong with usage or environment is said in one line, with exit code 2, and nothing is on standard output.
func TestUsageErrors(t *testing.T) {
	busy, err := net.Listen("tcp", loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	used := busy.Addr().String()
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("this is no journal"), 0o600); err != nil {
		t.Fatal(err)
	}
	serve := []string{"serve", "--listen", loopback, "--admin", loopback}
	for _, c := range []struct {
		args []string
		env  []string
		says string
	}{
		{[]string{"dance"}, nil, `no command "dance"`},
		{[]string{"help", "dance"}, nil, `no command "dance"`},
		{[]string{"serve", "--frobnicate"}, nil, "frobnicate"},
		{[]string{"serve", "--bots"}, nil, "bots"},
		{[]string{"serve", "--bots", "many"}, nil, "many"},
		{[]string{"serve", "now"}, nil, "arguments"},
		{append(serve, "--listen", "nowhere"), nil, "nowhere"},
		{append(serve, "--listen", used), nil, "address already in use"},
		{append(serve, "--admin", "http://"+used), nil, "address already in use"},
		{append(serve, "--admin", "0.0.0.0:0"), nil, "OVERTIME_ADMIN_KEY"},
		{append(serve, "--tls-cert", text), nil, "certificate"},
		{append(serve, "--tls-cert", text, "--tls-key", text), nil, "tls"},
		{append(serve, "--secret-file", text), nil, text},
		{append(serve, "--data", text), nil, "data"},
		{append(serve, "--record", filepath.Join(text, "x")), nil, "record"},
		{append(serve, "--origins", "play.example.com"), nil, "origin"},
		{append(serve, "--max-players", "0"), nil, "--max-players"},
		{append(serve, "--empty-after", "0s"), nil, "--empty-after"},
		{append(serve, "--seat-hold", "-1s"), nil, "--seat-hold"},
		{append(serve, "--bots", "-1"), nil, "--bots"},
		{append(serve, "--bots", "1", "--guests=false"), nil, "--guests"},
		{append(serve, "--log-level", "loud"), nil, "loud"},
		{append(serve, "--log-format", "xml"), nil, "xml"},
		{serve, []string{"OVERTIME_BOTS=many"}, "OVERTIME_BOTS"},
		{serve, []string{"OVERTIME_SEAT_HOLD=long"}, "OVERTIME_SEAT_HOLD"},
		{[]string{"serve"}, []string{"OVERTIME_LISTEN=nowhere"}, "nowhere"},
		{[]string{"bots", "--game", "chess"}, nil, "chess"},
		{[]string{"bots", "--network", "carrier-pigeon"}, nil, "carrier-pigeon"},
		{[]string{"bots", "--matches", "0"}, nil, "matches"},
		{[]string{"bots", "--target", "ftp://x"}, nil, "ftp"},
		{[]string{"bots", "--target", used, "--admin", "127.0.0.1:1", "--duration", "1s"}, nil, "127.0.0.1:1"},
		{[]string{"replay"}, nil, "FILE"},
		{[]string{"replay", "a", "b"}, nil, "arguments"},
		{[]string{"replay", filepath.Join(dir, "none")}, nil, "no such file"},
		{[]string{"replay", dir}, nil, dir},
		{[]string{"replay", text}, nil, "not a journal"},
		{[]string{"version", "please"}, nil, "arguments"},
	} {
		p := start(c.env, c.args...)
		code, says := p.wait(t), p.err.String()
		line := strings.TrimSuffix(says, "\n")
		if i := strings.LastIndexByte(line, '\n'); i >= 0 && strings.HasPrefix(says, "time=") {
			line = line[i+1:] // what the log said before
		}
		if code != exitUsage || !strings.Contains(line, c.says) || strings.Contains(line, "\n") || p.out.String() != "" {
			t.Errorf("%v %v: exit code %d, want %d and one line with %q; standard error:\n%s\nstandard output:\n%s", c.args, c.env, code, exitUsage, c.says, says, p.out.String())
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	for says, args := range map[string][]string{
		"overtime replay FILE": {"help"}, "overtime serve ": {"--help"}, "--max-matches": {"serve", "-h"}, "--churn": {"help", "bots"},
		"--json": {"replay", "--help"}, "overtime ": {"version"}, "go1.": {"--version"},
	} {
		p := start(nil, args...)
		if code := p.wait(t); code != exitDone || !strings.Contains(p.out.String(), says) || p.err.String() != "" {
			t.Errorf("%v: exit code %d, standard output without %q:\n%s\nstandard error:\n%s", args, code, says, p.out.String(), p.err.String())
		}
	}
	if p := start(nil); p.wait(t) != exitUsage || !strings.Contains(p.err.String(), "Usage") {
		t.Errorf("without arguments: %s", p.err.String())
	}
}

// A whole life: a node with bots records a match, stops on SIGTERM, and the recording replays without a difference.
func TestServeRecordReplay(t *testing.T) {
	dir := t.TempDir()
	p := start([]string{"OVERTIME_BOTS=2", "OVERTIME_GUESTS=", "OVERTIME_LISTEN=nowhere"},
		"serve", "--listen", "http://"+loopback, "--admin", loopback, "--record", dir, "--data", filepath.Join(dir, "data"))
	url, admin := p.serving(t)
	if status, _ := get(t, url+"/readyz"); status != 200 {
		t.Errorf("readyz: %d", status)
	}
	var list struct {
		Matches []struct {
			ID            string `json:"match_id"`
			Players, Tick int
		}
	}
	for deadline := time.Now().Add(patience); ; {
		_, body := get(t, admin+"/v1/matches")
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			t.Fatal(err)
		}
		if len(list.Matches) == 1 && list.Matches[0].Players == 2 && list.Matches[0].Tick > 20 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the bots do not play: %s", body)
		}
		<-time.After(20 * time.Millisecond) // asks a running node; there is nothing to wait for
	}
	p.signals <- syscall.SIGTERM
	if code := p.wait(t); code != exitDone || p.out.String() != "" {
		t.Errorf("exit code %d, standard output %q, standard error:\n%s", code, p.out.String(), p.err.String())
	}
	file := filepath.Join(dir, list.Matches[0].ID+".otj")
	for _, args := range [][]string{{"replay", file, "--json"}, {"replay", "--json", "--", file}} {
		r := start(nil, args...)
		code := r.wait(t)
		var report struct {
			Ticks, Differences int
			End                string
			OK                 bool
		}
		if err := json.Unmarshal([]byte(r.out.String()), &report); err != nil || strings.Count(r.out.String(), "\n") != 1 {
			t.Fatalf("%v: standard output is not one line of JSON: %v\n%s", args, err, r.out.String())
		}
		if code != exitDone || !report.OK || report.Ticks <= 20 || report.Differences != 0 || report.End == "" {
			t.Errorf("%v: exit code %d, report %+v", args, code, report)
		}
	}
	damage(t, file)
}

// damage flips a byte of a recording, then cuts it short.
func damage(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(b)
	flipped[len(b)/2] ^= 1
	for _, c := range []struct {
		content []byte
		code    int
		out     string
		err     string
	}{
		{flipped, exitFound, "damaged", "journal is damaged at offset"},
		{b[:len(b)/2], exitDone, "torn", ""},
		{b, exitDone, "differences  0", ""},
	} {
		if err := os.WriteFile(file, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		p := start(nil, "replay", file)
		if code := p.wait(t); code != c.code || !strings.Contains(p.out.String(), c.out) || !strings.Contains(p.err.String(), c.err) || (c.err == "") != (p.err.String() == "") {
			t.Errorf("want exit code %d, %q, %q; got %d\n%s\n%s", c.code, c.out, c.err, code, p.out.String(), p.err.String())
		}
	}
}

func TestBotsReport(t *testing.T) {
	p := start([]string{"OVERTIME_ADMIN_KEY=k"}, "serve", "--listen", loopback, "--admin", loopback, "--log-level", "info")
	url, admin := p.serving(t)
	for _, c := range []struct {
		key  string
		code int
	}{{"k", exitDone}, {"wrong", exitUsage}} {
		b := start([]string{"OVERTIME_TARGET=" + url, "OVERTIME_ADMIN_KEY=" + c.key}, "bots", "--admin", admin, "--players", "2", "--duration", "4s", "--json") // of which the machine may stand still for two
		if code := b.wait(t); code != c.code {
			t.Errorf("key %q: exit code %d, want %d; %s%s", c.key, code, c.code, b.out.String(), b.err.String())
		}
		var report struct{ Players int }
		if c.code == exitDone && (json.Unmarshal([]byte(b.out.String()), &report) != nil || report.Players != 2 || strings.Count(b.out.String(), "\n") != 1) {
			t.Errorf("report %s", b.out.String())
		}
	}
	p.signals <- os.Interrupt
	if code := p.wait(t); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}
