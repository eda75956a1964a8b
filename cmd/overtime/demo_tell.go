package main

import (
	"fmt"
	"io"
	"time"
)

// teller writes the timeline: plain lines, each with the seconds since the beginning. Used by one goroutine.
type teller struct {
	out   io.Writer
	began time.Time
	fault time.Time // the zero time until it happens
}

// line tells something that happens now.
func (t *teller) line(format string, args ...any) { t.at(time.Now(), format, args...) }

// at tells something that happened at a time; after the fault the time since then is what counts.
func (t *teller) at(when time.Time, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if t.fault.IsZero() || when.Before(t.fault) {
		fmt.Fprintf(t.out, "%6.1f s            %s\n", when.Sub(t.began).Seconds(), text)
		return
	}
	fmt.Fprintf(t.out, "%6.1f s  %s  %s\n", when.Sub(t.began).Seconds(), since(when.Sub(t.fault)), text)
}

// since is a time after the fault in eight characters.
func since(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%+5d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%+6.1f s", d.Seconds())
}

// more adds a line to the last one.
func (t *teller) more(format string, args ...any) {
	fmt.Fprintf(t.out, "%19s %s\n", "", fmt.Sprintf(format, args...))
}

// count is a number with its noun.
func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case noun == "match":
		return fmt.Sprintf("%d matches", n)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
