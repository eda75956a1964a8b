package member

import (
	"context"
	"log"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Anybody who reaches the port can make memberlist complain, so only so many complaints reach the log.
const (
	logBurst  = 20
	logWindow = 10 * time.Second
)

// lineWriter takes memberlist's log lines: errors and warnings become warnings, the rest is for debugging. memberlist
// tells of packets that it refuses nowhere else, so they are counted here.
type lineWriter struct {
	log     *slog.Logger
	c       *counters
	refuted func() // a suspicion of this node was answered

	mu     sync.Mutex // guards all below
	since  time.Time  // start of the window
	lines  int        // warnings in it
	silent int        // that were not logged
}

// newLogger returns a logger for memberlist.
func newLogger(l *slog.Logger, c *counters, refuted func()) *log.Logger {
	return log.New(&lineWriter{log: l, c: c, refuted: refuted}, "", 0)
}

// Write takes one line.
func (w *lineWriter) Write(b []byte) (int, error) {
	level, text := splitLine(string(b))
	w.count(level, text)
	if isRefutation(text) {
		w.refuted()
	}
	if level < slog.LevelWarn {
		w.log.Debug(text)
		return len(b), nil
	}
	if pass, dropped := w.admit(time.Now()); pass {
		if dropped > 0 {
			text += " (and others before)"
		}
		w.log.LogAttrs(context.Background(), slog.LevelWarn, text, slog.Int("dropped", dropped))
	}
	return len(b), nil
}

// splitLine cuts level and prefix off a line such as "[WARN] memberlist: text".
func splitLine(line string) (slog.Level, string) {
	line = strings.TrimSpace(line)
	level := slog.LevelDebug
	if tag, rest, ok := strings.Cut(line, "] "); ok && strings.HasPrefix(tag, "[") {
		line = rest
		switch tag[1:] {
		case "ERR", "ERROR":
			level = slog.LevelError
		case "WARN":
			level = slog.LevelWarn
		}
	}
	return level, "gossip: " + strings.TrimPrefix(line, "memberlist: ")
}

// count keeps the reasons for which packets are refused.
func (w *lineWriter) count(level slog.Level, text string) {
	if level < slog.LevelError {
		return
	}
	switch lower := strings.ToLower(text); {
	case strings.Contains(lower, "label"):
		w.c.refusedLabel.Add(1)
	case strings.Contains(lower, "crypt"):
		w.c.refusedKey.Add(1)
	default:
		w.c.errors.Add(1)
	}
}

// admit says whether one more warning may be logged, and how many were not since the last.
func (w *lineWriter) admit(now time.Time) (ok bool, dropped int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Sub(w.since) >= logWindow {
		w.since, w.lines = now, 0
	}
	if w.lines >= logBurst {
		w.silent++
		return false, 0
	}
	w.lines++
	dropped, w.silent = w.silent, 0
	return true, dropped
}
