package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// demoConfig says what a demonstration does.
type demoConfig struct {
	fault            string // kill, stop or cut
	matches, players int    // players of each match
	before           time.Duration
	away             time.Duration // from the fault to the return of the node, or to its replacement
	after            time.Duration // from then on
	limit            time.Duration // of all of it
	slack            time.Duration // how much longer than usual a part of it may take; tests have to get along with busy machines
	exe              string        // this program
	dir              string        // where to put everything; "": a directory of its own, removed when all went well
}

// demoDefaults is the demonstration that users see. The limit leaves two of the 40 seconds for the end.
func demoDefaults() demoConfig {
	return demoConfig{
		fault: "kill", matches: 10, players: 8, before: 4 * time.Second, away: 4 * time.Second, after: 4 * time.Second, limit: 37 * time.Second,
	}
}

// showDemo runs overtime demo.
func showDemo(c *call) error {
	cfg := demoDefaults()
	f := newFlags(c)
	f.StringVar(&cfg.fault, "fault", cfg.fault, "`FAULT` of the node with the most matches: kill (kill -9), stop (it freezes and comes back) or cut (from the others)")
	asJSON := f.Bool("json", false, "print one line of JSON")
	if _, err := f.parse(0); err != nil {
		return err
	}
	var err error
	if _, err = f.log(); err != nil { // logs go to files: here is the timeline
		return err
	}
	if cfg.exe, err = os.Executable(); err != nil {
		return err
	}
	return c.demonstrate(cfg, *asJSON)
}

// demonstrate runs a demonstration and prints its result.
func (c *call) demonstrate(cfg demoConfig, asJSON bool) error {
	switch cfg.fault {
	case "kill", "stop", "cut":
	default:
		return fmt.Errorf("--fault %q: want kill, stop or cut", cfg.fault)
	}
	if err := faultPossible(cfg.fault); err != nil {
		return fmt.Errorf("--fault %s: %w", cfg.fault, err)
	}
	began := time.Now()
	ctx, cancel := context.WithDeadlineCause(c.ctx, began.Add(cfg.limit), errDemoTime)
	defer cancel()
	d, err := newDemo(cfg, c.err, began)
	if err != nil {
		return err
	}
	defer d.clean()
	report, err := d.run(ctx)
	if c.ctx.Err() != nil {
		return foundError{errors.New("interrupted")}
	}
	if err != nil || !report.OK {
		d.keep()
	}
	if err != nil {
		if errors.Is(context.Cause(ctx), errDemoTime) {
			err = foundError{fmt.Errorf("not done in time: %w", err)}
		}
		return err
	}
	if asJSON {
		err = json.NewEncoder(c.out).Encode(report)
	} else {
		fmt.Fprintln(c.err)
		err = report.print(c.out)
	}
	if err == nil && !report.OK {
		err = foundError{errors.New("not every match went on as if nothing had happened, see the report")}
	}
	return err
}

// errDemoTime ends a demonstration that takes too long.
var errDemoTime = errors.New("the time is up")

// newDemo prepares a demonstration: a directory with a key for the cluster.
func newDemo(cfg demoConfig, out interface{ Write([]byte) (int, error) }, began time.Time) (*demonstration, error) {
	d := &demonstration{cfg: cfg, api: newDemoAPI(), tell: teller{out: out, began: began}}
	var err error
	if d.dir = cfg.dir; d.dir == "" {
		if d.dir, err = os.MkdirTemp("", "overtime-demo-"); err != nil {
			return nil, err
		}
		d.remove = true
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	if err = os.WriteFile(filepath.Join(d.dir, "secret"), []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600); err != nil {
		d.clean()
		return nil, err
	}
	d.launch = launch{exe: cfg.exe, dir: d.dir, events: make(chan demoEvent, 1024)}
	return d, nil
}

// clean removes what was written down.
func (d *demonstration) clean() {
	if d.remove {
		_ = os.RemoveAll(d.dir)
	}
}

// keep says where to look for what went wrong.
func (d *demonstration) keep() {
	d.tell.line("recordings and logs of the nodes are in %s", d.dir)
	d.remove = false
}
