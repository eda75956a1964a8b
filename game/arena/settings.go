package arena

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/overtime-server/overtime/game"
)

// Settings are a match's settings as JSON. Fields that are left out get the defaults named.
type Settings struct {
	Mode       string `json:"mode"`        // "ffa", everybody for himself (default), or "teams"
	Fog        bool   `json:"fog"`         // fog of war: a team gets only what it sees; needs mode "teams"
	Minutes    int    `json:"minutes"`     // length of a match, 1 to 60; default 5
	ScoreLimit *int   `json:"score_limit"` // score that ends it, 0 (none) to 1000; default 30, for teams 75
}

// parseSettings reads settings; nil or no bytes are all defaults. Unknown fields are errors, so that a typing mistake shows.
func parseSettings(b []byte) (s Settings, err error) {
	if len(b) > 0 {
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(&s); err != nil {
			return s, fmt.Errorf("arena: %w: %v", game.ErrSettings, err)
		}
		if _, err := d.Token(); err != io.EOF {
			return s, fmt.Errorf("arena: %w: more than one value", game.ErrSettings)
		}
	}
	limit := 30
	switch s.Mode {
	case "":
		s.Mode = "ffa"
	case "teams":
		limit = 75
	}
	if s.Minutes == 0 {
		s.Minutes = 5
	}
	if s.ScoreLimit == nil {
		s.ScoreLimit = &limit
	}
	switch {
	case s.Mode != "ffa" && s.Mode != "teams":
		return s, fmt.Errorf(`arena: %w: mode %q, want "ffa" or "teams"`, game.ErrSettings, s.Mode)
	case s.Fog && s.Mode != "teams":
		return s, fmt.Errorf(`arena: %w: fog needs mode "teams"`, game.ErrSettings)
	case s.Minutes < 1 || s.Minutes > 60:
		return s, fmt.Errorf("arena: %w: minutes %d, want 1 to 60", game.ErrSettings, s.Minutes)
	case *s.ScoreLimit < 0 || *s.ScoreLimit > 1000:
		return s, fmt.Errorf("arena: %w: score_limit %d, want 0 to 1000", game.ErrSettings, *s.ScoreLimit)
	}
	return s, nil
}
