package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/overtime-server/overtime/cluster"
)

func replay(c *call) error {
	f := newFlags(c)
	asJSON := f.Bool("json", false, "print one line of JSON")
	args, err := f.parse(1)
	if err != nil {
		return err
	}
	file, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer file.Close()
	r, err := cluster.Replay(c.ctx, file, games())
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	if *asJSON {
		err = json.NewEncoder(c.out).Encode(r)
	} else {
		err = printReplay(c.out, r)
	}
	switch {
	case err != nil:
		return err
	case r.Corrupt != "":
		return foundError{errors.New(r.Corrupt)}
	case r.Differences > 0:
		return foundError{fmt.Errorf("first difference: %s", r.What)}
	}
	return nil
}

// printReplay writes a report for people.
func printReplay(w io.Writer, r *cluster.ReplayReport) error {
	line := func(name, format string, args ...any) string {
		return fmt.Sprintf("%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	s := line("match", "%s, epoch %d", r.Match, r.Epoch) +
		line("game", "%s, version %d of its rules", r.Game, r.Version) +
		line("ticks", "%d, %.1f s at %d Hz", r.Ticks, r.Seconds, r.TickHz) +
		line("replayed in", "%.2f s, %.0f x real time", r.ReplaySeconds, r.Speed) +
		line("checkpoints", "%d", r.Checkpoints)
	if r.VoidTicks > 0 {
		s += line("void ticks", "%d", r.VoidTicks)
	}
	switch {
	case r.Corrupt != "":
		s += line("damaged", "%s", r.Corrupt)
	case r.Torn != "":
		s += line("torn", "%s", r.Torn)
	default:
		s += line("ended", "%s", r.End)
	}
	s += line("differences", "%d", r.Differences)
	if r.Differences > 0 {
		s += line("first", "%s", r.What)
	}
	_, err := io.WriteString(w, s)
	return err
}
