package bots

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Report is what the players of a run saw, counted from the moment all had joined.
type Report struct {
	Matches int `json:"matches"`
	Players int `json:"players"` // of all matches together
	// Seconds that were counted.
	Seconds             float64 `json:"seconds"`
	FramesPerPlayerS    float64 `json:"frames_per_player_s"`     // state frames, keyframes included
	WireBytesPerPlayerS float64 `json:"wire_bytes_per_player_s"` // server to client on the socket, after compression, headers included
	InputsSent          uint64  `json:"inputs_sent"`
	InputsAnswered      uint64  `json:"inputs_answered"`
	InputsLost          uint64  `json:"inputs_lost"` // sent more than 2 s before the end and never answered
	SeatsLost           uint64  `json:"seats_lost"`
	Gap                 Gap     `json:"gap_ms"` // between successive state frames of one player
	Ack                 Ack     `json:"ack_ms"` // from sending a sample to the first frame that answers it
	HashChecks          uint64  `json:"hash_checks"`
	HashMismatches      uint64  `json:"hash_mismatches"`
	DecodeErrors        uint64  `json:"decode_errors"`
	JoinsFailed         uint64  `json:"joins_failed"`
	Reconnects          uint64  `json:"reconnects"`
	Moves               uint64  `json:"moves"`
	Closes              Closes  `json:"closes"` // close codes received; 1006 is a connection that broke without one
	Activity            Action  `json:"activity"`

	Matchmaking *Matchmaking `json:"matchmaking,omitempty"` // with Config.Matchmake
	Join        Ack          `json:"join_ms"`               // from the first attempt to the first state frame, of all who joined
	JoinMoves   uint64       `json:"join_moves_most"`       // times that a bot was sent to another node until then, at most
}

// Gap and Ack are quantiles in ms.
type (
	Gap struct {
		P50  float64 `json:"p50"`
		P99  float64 `json:"p99"`
		P999 float64 `json:"p999"`
		Max  float64 `json:"max"`
	}
	Ack struct {
		P50 float64 `json:"p50"`
		P99 float64 `json:"p99"`
		Max float64 `json:"max"`
	}
)

// Closes counts close codes.
type Closes map[uint16]uint64

// Action says how much was going on, from the state that one bot of each match saw.
type Action struct {
	Moving             float64 `json:"moving"`                // share of bodies that moved, per state frame
	Turning            float64 `json:"turning"`               // share of bodies that turned
	ShotsPerPlayerS    float64 `json:"shots_per_player_s"`    //
	ChangedRowsPerTick float64 `json:"changed_rows_per_tick"` // rows mentioned in a state frame
}

// OK reports whether nothing went wrong: no input and no seat lost, nobody kept out, no state that differs from the server's.
func (r *Report) OK() bool {
	return r.HashMismatches == 0 && r.DecodeErrors == 0 && r.InputsLost == 0 && r.SeatsLost == 0 && r.JoinsFailed == 0 && r.FramesPerPlayerS > 0 &&
		(r.Matchmaking == nil || r.Matchmaking.Twice == 0 && r.Matchmaking.Matched == r.Matchmaking.Tickets)
}

// WriteJSON writes the report as one line.
func (r *Report) WriteJSON(w io.Writer) error { return json.NewEncoder(w).Encode(r) }

// WriteTable writes the report for people.
func (r *Report) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("matches", "%d", r.Matches)
	row("players", "%d for %.1f s", r.Players, r.Seconds)
	row("state frames", "%.2f per player and second", r.FramesPerPlayerS)
	row("on the wire", "%.0f bytes per player and second", r.WireBytesPerPlayerS)
	row("gap between frames", "p50 %.1f  p99 %.1f  p99.9 %.1f  max %.1f ms", r.Gap.P50, r.Gap.P99, r.Gap.P999, r.Gap.Max)
	row("inputs", "%d sent, %d answered, %d lost", r.InputsSent, r.InputsAnswered, r.InputsLost)
	row("answered after", "p50 %.1f  p99 %.1f  max %.1f ms", r.Ack.P50, r.Ack.P99, r.Ack.Max)
	row("state compared", "%d times, %d mismatches, %d decode errors", r.HashChecks, r.HashMismatches, r.DecodeErrors)
	row("joined after", "p50 %.1f  p99 %.1f  max %.1f ms, %d moves at most", r.Join.P50, r.Join.P99, r.Join.Max, r.JoinMoves)
	row("connections", "%d joins failed, %d reconnects, %d moves, %d seats lost", r.JoinsFailed, r.Reconnects, r.Moves, r.SeatsLost)
	row("closes", "%s", r.Closes)
	row("activity", "%.0f %% moving, %.0f %% turning, %.2f shots per player and second, %.1f rows changed per tick",
		100*r.Activity.Moving, 100*r.Activity.Turning, r.Activity.ShotsPerPlayerS, r.Activity.ChangedRowsPerTick)
	if m := r.Matchmaking; m != nil {
		row("tickets", "%d, %d got a match, %d expired, %d players in two; %d matches, %d complete", m.Tickets, m.Matched, m.Expired, m.Twice, m.Matches, m.Complete)
		row("waited", "p50 %.2f  p99 %.2f  max %.2f s", m.Wait.P50, m.Wait.P99, m.Wait.Max)
		row("skill", "spread %.0f in the mean and %.0f at most, teams %.1f apart in the mean and %.1f at most", m.Spread.Mean, m.Spread.Max, m.Uneven.Mean, m.Uneven.Max)
	}
	verdict := "fine"
	if !r.OK() {
		verdict = "SOMETHING IS WRONG"
	}
	row("verdict", "%s", verdict)
	return t.Flush()
}

// String lists the codes in order.
func (c Closes) String() string {
	var codes []uint16
	for code := range c {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	var s []string
	for _, code := range codes {
		s = append(s, fmt.Sprintf("%d: %d", code, c[code]))
	}
	if s == nil {
		return "none"
	}
	return strings.Join(s, ", ")
}
