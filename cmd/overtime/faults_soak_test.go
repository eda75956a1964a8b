package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// number is a setting of make soak; the tests that need it are skipped where it is not set.
func number(t *testing.T, name string) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		t.Skipf("%s is not set: part of make soak", name)
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// load is how many processes want to run, on average of the last minute, as the system says it.
func machineLoad() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	load, _, _ := strings.Cut(string(b), " ")
	return load
}

// soak runs a siege and reports what went wrong.
func soak(t *testing.T, cfg siegeConfig, all tallies, what string, script func(context.Context, *siege) error) {
	t.Helper()
	began := time.Now()
	r, err := besiege(t.Context(), cfg, t.Logf, script)
	if err != nil {
		t.Errorf("%s (load %s): %v", what, machineLoad(), err)
		return
	}
	all.add(r)
	for _, w := range r.wrong {
		t.Errorf("%s (load %s): %s", what, machineLoad(), w)
	}
	for _, w := range r.slow {
		t.Logf("slow: %s", w)
	}
	t.Logf("%s: %d strikes in %.0f s, %d matches lost as they must be, %d recorded ticks, %d compared frames, load %s, closes %s",
		what, len(r.strikes), time.Since(began).Seconds(), r.lost, r.ticks, r.checks, machineLoad(), r.played.Closes)
}

// perSiege is how often a siege is struck, so that its frames and journals fit into memory.
const perSiege = 10

// TestSoakFaults runs every cell of the matrix SOAK_RUNS times, as many cells at once as -parallel says. Set SOAK_CELLS to a
// part of a cell's name to run only some.
func TestSoakFaults(t *testing.T) {
	runs, only := number(t, "SOAK_RUNS"), os.Getenv("SOAK_CELLS")
	all := tallies{}
	t.Cleanup(func() { all.print(t.Logf) })
	var mu sync.Mutex // guards all
	for _, c := range faultCells() {
		if !strings.Contains(c.String()+";", only) {
			continue
		}
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			mine := tallies{}
			soakCell(t, c, runs, mine)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(all, mine)
		})
	}
}

// soakCell runs one cell of the matrix.
func soakCell(t *testing.T, c cell, runs int, all tallies) {
	nodes, most := 3, perSiege
	if c.who.count() > 1 {
		nodes, most = 5, perSiege/2
		if c.dead() {
			most = 1 // it costs matches
		}
	}
	for done := 0; done < runs; {
		n := min(most, runs-done)
		done += n
		soak(t, siegeOf(t, nodes, 10, 4), all, c.String(), func(ctx context.Context, s *siege) error {
			for range n {
				if err := s.strike(ctx, c); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// TestSoakRandom hits random nodes in random ways for SOAK_MINUTES, each as soon as every match is protected.
func TestSoakRandom(t *testing.T) {
	all := tallies{}
	limit := time.Duration(number(t, "SOAK_MINUTES")) * time.Minute
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for began := time.Now(); time.Since(began) < limit; {
		soak(t, siegeOf(t, 3, 10, 4), all, "random", func(ctx context.Context, s *siege) error {
			for end := time.Now().Add(min(2*time.Minute, limit-time.Since(began))); time.Now().Before(end); {
				c := cell{[]string{"kill", "freeze", "stop", "restart"}[rng.IntN(4)], 1 << rng.IntN(3)}
				if err := s.strike(ctx, c); err != nil {
					return fmt.Errorf("after %d strikes: %w", len(s.strikes), err)
				}
				if !pause(ctx, time.Duration(rng.Int64N(int64(500*time.Millisecond)))) {
					return ctx.Err()
				}
			}
			return nil
		})
	}
	all.print(t.Logf)
}
