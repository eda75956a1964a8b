package arena

import (
	"encoding/json"
	"slices"

	"github.com/overtime-server/overtime/game"
)

// Result is how a match ended, as JSON in Tick.End.
type Result struct {
	Mode   string      `json:"mode"`
	Reason string      `json:"reason"` // "time" or "score"
	Winner *Winner     `json:"winner"` // null for a draw
	Teams  []TeamScore `json:"teams,omitempty"`
	Scores []Line      `json:"scores"` // best first
}

// Winner is a player, or a team in a match of teams.
type Winner struct {
	Player uint32 `json:"player,omitempty"`
	Name   string `json:"name,omitempty"`
	Team   uint32 `json:"team,omitempty"`
}

// TeamScore is one team's score.
type TeamScore struct {
	Team  uint32 `json:"team"`
	Score int32  `json:"score"`
}

// Line is one player's score.
type Line struct {
	Player uint32 `json:"player"`
	Name   string `json:"name"`
	Team   uint32 `json:"team"`
	Score  int32  `json:"score"`
	Deaths uint32 `json:"deaths"`
}

// Scores implements game.Scorer: teams first if there are any, then players, each best first.
func (m *match) Scores(s []game.Score) []game.Score {
	if m.settings.Mode == "teams" {
		red, blue := game.Score{Team: 1, Points: m.teams[0]}, game.Score{Team: 2, Points: m.teams[1]}
		if blue.Points > red.Points {
			red, blue = blue, red
		}
		s = append(s, red, blue)
	}
	players := len(s)
	for i := range m.bodies {
		b := &m.bodies[i]
		s = append(s, game.Score{Player: b.number, Team: b.team, Points: b.score})
	}
	slices.SortStableFunc(s[players:], func(a, b game.Score) int { return int(b.Points) - int(a.Points) })
	return s
}

// finish ends the match when time is up or the limit is reached.
func (m *match) finish(t *game.Tick) {
	reason, limit := "", int32(*m.settings.ScoreLimit)
	best := max(m.teams[0], m.teams[1])
	if m.settings.Mode != "teams" {
		best = 0
		for i := range m.bodies {
			best = max(best, m.bodies[i].score)
		}
	}
	switch {
	case limit > 0 && best >= limit:
		reason = "score"
	case t.N >= m.end:
		reason = "time"
	default:
		return
	}
	m.over = true
	r := m.result(t, reason)
	if w := r.Winner; w != nil {
		m.winner = max(w.Player, w.Team)
	}
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // integers and valid strings always marshal
	}
	t.End(b)
}

// result makes up the result of a match that ends.
func (m *match) result(t *game.Tick, reason string) Result {
	r := Result{Mode: m.settings.Mode, Reason: reason, Scores: []Line{}}
	table := m.Scores(nil)
	for _, s := range table {
		if s.Player == 0 {
			r.Teams = append(r.Teams, TeamScore{Team: s.Team, Score: s.Points})
			continue
		}
		l := Line{Player: s.Player, Team: s.Team, Score: s.Points, Deaths: m.find(s.Player).deaths}
		for _, p := range t.Players {
			if p.Number == s.Player {
				l.Name = p.Name
			}
		}
		r.Scores = append(r.Scores, l)
	}
	switch {
	case len(r.Teams) == 2:
		if r.Teams[0].Score != r.Teams[1].Score {
			r.Winner = &Winner{Team: r.Teams[0].Team}
		}
	case len(r.Scores) == 1 || len(r.Scores) > 1 && r.Scores[0].Score > r.Scores[1].Score:
		r.Winner = &Winner{Player: r.Scores[0].Player, Name: r.Scores[0].Name}
	}
	return r
}
