package matchmaker

import (
	"math"
	"time"
)

// Window is a limit that widens while a ticket waits: Start, PerSecond more after every whole second, at least the Value of each
// step whose time has come, and never more than Max.
type Window struct {
	Any       bool    // no limit at all
	Start     float64 // at once; 0 or more
	PerSecond float64 // 0: only the steps widen it
	Max       float64 // 0: no end
	Steps     []Step
}

// Step widens a Window once.
type Step struct {
	After time.Duration
	Value float64
}

// At returns the limit after waiting so long; +Inf if there is none.
func (w Window) At(wait time.Duration) float64 {
	if w.Any {
		return math.Inf(1)
	}
	v := w.Start + float64(w.PerSecond*float64(max(wait, 0)/time.Second))
	for _, s := range w.Steps {
		if s.After <= wait {
			v = max(v, s.Value)
		}
	}
	if w.Max > 0 {
		v = min(v, w.Max)
	}
	return v
}

// Next returns how long it is from a wait until the limit is wider than then; false if it never will be.
func (w Window) Next(wait time.Duration) (time.Duration, bool) {
	wait = max(wait, 0)
	now := w.At(wait)
	if w.Any || w.Max > 0 && now >= w.Max {
		return 0, false
	}
	best, ok := time.Duration(0), false
	for _, s := range w.Steps {
		if s.After > wait && s.Value > now && (!ok || s.After-wait < best) {
			best, ok = s.After-wait, true
		}
	}
	if w.PerSecond <= 0 {
		return best, ok
	}
	// After a step the growth may have to catch up with it before it widens anything again.
	seconds := math.Floor((now-w.Start)/w.PerSecond) + 1
	if at := time.Duration(min(seconds, 1e9)) * time.Second; at > wait && (!ok || at-wait < best) {
		best, ok = at-wait, true
	}
	return best, ok
}

const maxWindow = 1e9

func (w Window) check(field string) error {
	inside := func(v float64) bool { return v >= 0 && v <= maxWindow }
	switch {
	case !inside(w.Start):
		return wrong(field+".start", "must be 0 to %.0e", maxWindow)
	case !inside(w.PerSecond):
		return wrong(field+".per_second", "must be 0 to %.0e", maxWindow)
	case !inside(w.Max):
		return wrong(field+".max", "must be 0 to %.0e", maxWindow)
	case w.Max > 0 && w.Max < w.Start:
		return wrong(field+".max", "%v is less than start, %v", w.Max, w.Start)
	case len(w.Steps) > 64:
		return wrong(field+".steps", "more than 64")
	}
	for i, s := range w.Steps {
		switch {
		case s.After <= 0 || !inside(s.Value):
			return wrong(field+".steps", "each needs a time after 0 s and a value of 0 to %.0e", maxWindow)
		case i > 0 && (s.After <= w.Steps[i-1].After || s.Value <= w.Steps[i-1].Value):
			return wrong(field+".steps", "each must come later and be wider than the one before")
		case s.Value <= w.Start || w.Max > 0 && s.Value > w.Max:
			return wrong(field+".steps", "%v is not between start and max", s.Value)
		}
	}
	return nil
}
