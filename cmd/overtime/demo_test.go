package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/overtime-server/overtime/bots"
)

// smallDemo is a demonstration that is over soon.
func smallDemo(t *testing.T, fault string) demoConfig {
	t.Helper()
	cfg := demoDefaults()
	cfg.fault, cfg.matches, cfg.players, cfg.dir = fault, 3, 2, kept(t)
	cfg.before, cfg.away, cfg.after = time.Second, time.Second, time.Second
	cfg.limit, cfg.slack = 2*patience, patience
	var err error
	if cfg.exe, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// kept is a directory that is left behind by a test that fails: there are the nodes' logs.
func kept(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "overtime-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			_ = os.RemoveAll(dir)
		}
	})
	return dir
}

// TestDemo breaks a node of a real cluster in each of the three ways.
func TestDemo(t *testing.T) {
	for _, fault := range []string{"kill", "stop", "cut"} {
		t.Run(fault, func(t *testing.T) {
			if err := faultPossible(fault); err != nil {
				t.Skip(err)
			}
			t.Parallel()
			var out, says buffer
			c := &call{process: process{out: &out, err: &says}, ctx: t.Context(), now: t.Context()}
			err := c.demonstrate(smallDemo(t, fault), true)
			var r demoReport
			if e := json.Unmarshal([]byte(out.String()), &r); e != nil || strings.Count(out.String(), "\n") != 1 {
				t.Fatalf("standard output is not one line of JSON: %v\n%s\n%v\n%s", e, out.String(), err, says.String())
			}
			if err != nil || !r.OK || r.Matches != 3 || r.Players != 6 || r.Affected == 0 || r.Affected%2 != 0 || r.Fault != fault ||
				r.Gap.P50 <= 0 || r.Gap.Max < r.Gap.P99 || r.Gap.P99 < r.Gap.P50 || r.FaultedNode == "" {
				t.Errorf("%v, %+v\n%s", err, r, says.String())
			}
			for _, line := range []string{"they know each other", "takes over m", "every match is protected again", "agree: every match went on"} {
				if !strings.Contains(says.String(), line) {
					t.Errorf("%q is not told:\n%s", line, says.String())
				}
			}
			if strings.ContainsRune(says.String(), 27) {
				t.Error("escape codes where there is no terminal")
			}
		})
	}
}

// TestDemoForged: a recording that appears in two nodes, or is missing, is found where recordings are read, and so is a forged frame.
func TestDemoForged(t *testing.T) {
	t.Parallel()
	var says bytes.Buffer
	d, err := newDemo(smallDemo(t, "kill"), &says, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r, err := d.run(t.Context())
	if err != nil || !r.OK {
		t.Fatalf("%v, %+v\n%s", err, r, says.String())
	}
	last := d.lastTaken(t)
	b, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(d.dir, d.victim.name, filepath.Base(last))
	judge := func() *demoReport {
		r, err := d.judge(&bots.Report{Players: 6})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	write := func(file string, content []byte) *demoReport {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return judge()
	}
	remove := func(file string) *demoReport {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		return judge()
	}
	forged := func(change func(f *bots.Seen)) *demoReport { // one frame of one player
		f := d.wholeFrame(t)
		keep := *f
		defer func() { *f = keep }()
		change(f)
		return judge()
	}
	if r := forged(func(f *bots.Seen) { f.Ack-- }); r.OK || r.InputsLost == 0 {
		t.Errorf("an answer that the journal lacks: %+v", r)
	}
	if r := forged(func(f *bots.Seen) { f.View++ }); r.OK || r.HashMismatches == 0 {
		t.Errorf("another view: %+v", r)
	}
	if r := forged(func(f *bots.Seen) { f.Tick = 1 }); r.OK || r.Rollbacks == 0 {
		t.Errorf("the clock goes back: %+v", r)
	}
	if r := write(other, b); r.OK || r.TwoOwners != 1 || r.MatchesLost+r.Rollbacks+r.HashMismatches != 0 {
		t.Errorf("two owners: %+v", r)
	}
	if r := remove(other); !r.OK {
		t.Errorf("as it was: %+v", r)
	}
	if r := write(last, b[:len(b)/2]); r.OK || r.Rollbacks == 0 {
		t.Errorf("half of a recording: %+v", r)
	}
	if r := remove(last); r.OK || r.Rollbacks == 0 {
		t.Errorf("no recording: %+v", r)
	}
}

// lastTaken returns the recording of whoever had a match at the end that was taken over.
func (d *demonstration) lastTaken(t *testing.T) (file string) {
	t.Helper()
	var last uint32
	for _, n := range d.nodes {
		list, err := readTenures(n.name, n.dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
			if d.hit[x.match] && n != d.victim && x.epoch > last {
				last, file = x.epoch, filepath.Join(n.dir, fmt.Sprintf("%s.%d.otj", x.match, x.epoch))
			}
		}
	}
	if last < 2 {
		t.Fatal("no match was taken over")
	}
	return file
}

// wholeFrame returns a frame that a player surely has as it is, as another player of his match has his of the same tick: after a gap, on a busy
// machine, some are not.
func (d *demonstration) wholeFrame(t *testing.T) (found *bots.Seen) {
	t.Helper()
	byMatch := map[string][]*sight{}
	d.sights.All(func(x *bots.Sight, saw *bots.Saw) {
		byMatch[x.Match] = append(byMatch[x.Match], &sight{match: x.Match, player: saw.Player, frames: saw.Frames})
	})
	for _, list := range byMatch {
		step := (&chain{sights: list}).step()
		whole := map[uint32]bool{}
		for i, s := range list {
			for k := range s.frames {
				f := &s.frames[k]
				switch {
				case !s.whole(k, step) || f.Ack == 0:
				case i == 0:
					whole[f.Tick] = true
				case whole[f.Tick]:
					found = f
				}
			}
		}
	}
	if found == nil {
		t.Fatal("no two players have the same frame")
	}
	return found
}

// A demonstration that is interrupted, or takes too long, ends at once, with its nodes.
func TestDemoEnds(t *testing.T) {
	for name, c := range map[string]struct {
		limit time.Duration
		says  string
	}{"interrupted": {time.Minute, "interrupted"}, "too long": {2 * time.Second, "not done in time"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &program{signals: make(chan os.Signal, 2), code: make(chan int, 1)}
			cfg := smallDemo(t, "kill")
			cfg.limit = c.limit
			cmd := &command{name: "demo", run: func(c *call) error { return c.demonstrate(cfg, true) }}
			go func() {
				p.code <- process{out: &p.out, err: &p.err, signals: p.signals}.call(cmd, nil)
			}()
			if name == "interrupted" {
				within(t, "the nodes serve", func() bool { return strings.Contains(p.err.String(), "they know each other") })
				p.signals <- os.Interrupt
			}
			if code := p.wait(t); code != exitFound || !strings.Contains(p.err.String(), c.says) || p.out.String() != "" {
				t.Errorf("exit code %d, standard output %q\n%s", code, p.out.String(), p.err.String())
			}
			within(t, "the nodes are gone", func() bool { return len(processesWith(cfg.dir)) == 0 })
		})
	}
}

// Nodes do not outlive a demonstration that is killed.
func TestDemoKilled(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Skip("there is no /proc")
	}
	dir := t.TempDir()
	var says buffer
	cmd := demoProcess(t, dir, &says)
	within(t, "three nodes run", func() bool { return len(processesWith(dir)) == 3 })
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	within(t, "the nodes are gone", func() bool { return len(processesWith(dir)) == 0 })
}

func TestDemoUsage(t *testing.T) {
	for _, c := range [][]string{{"demo", "--fault", "flood"}, {"demo", "now"}} {
		p := start(nil, c...)
		if code := p.wait(t); code != exitUsage || strings.Count(p.err.String(), "\n") != 1 || p.out.String() != "" {
			t.Errorf("%v: exit code %d\n%s%s", c, code, p.out.String(), p.err.String())
		}
	}
}

func TestTeller(t *testing.T) {
	began := time.Now()
	var out bytes.Buffer
	tell := teller{out: &out, began: began}
	tell.at(began.Add(1500*time.Millisecond), "%s", count(1, "match"))
	tell.fault = began.Add(2 * time.Second)
	tell.at(began.Add(1900*time.Millisecond), "%s", count(2, "match"))
	tell.at(began.Add(2040*time.Millisecond), "%s", count(3, "bot"))
	tell.at(began.Add(14*time.Second), "end")
	want := `
   1.5 s            1 match
   1.9 s            2 matches
   2.0 s    +40 ms  3 bots
  14.0 s   +12.0 s  end
`
	if out.String() != want[1:] {
		t.Errorf("\n%s", out.String())
	}
}

func TestLogValue(t *testing.T) {
	line := `time=2026-01-02T03:04:05.678Z level=INFO msg="match taken over" match=m1 err="a \"b\" match=m2" epoch=3`
	for key, want := range map[string]string{"time": "2026-01-02T03:04:05.678Z", "msg": "match taken over", "match": "m1", "epoch": "3", "err": `a "b" match=m2`, "tick": ""} {
		if got := logValue(line, key); got != want {
			t.Errorf("%s: %q", key, got)
		}
	}
	if regexp.MustCompile(`[^ -~]`).MatchString(logValue(`msg="torn`, "msg")) {
		t.Error("torn")
	}
}
