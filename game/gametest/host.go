package gametest

import (
	"fmt"

	"github.com/overtime-server/overtime/game"
)

var _ game.Host = (*Sim)(nil)

// Inputs implements game.Host.
func (s *Sim) Inputs(player uint32) []game.Input {
	if i := s.index(player); i >= 0 {
		return s.seats[i].spent
	}
	return nil
}

// NewID implements game.Host.
func (s *Sim) NewID() uint32 { s.lastID++; return s.lastID }

// Send implements game.Host: the message is counted and forgotten.
func (s *Sim) Send(_ game.Channel, msg []byte) {
	if len(msg) > game.MaxMessage {
		panic(fmt.Sprintf("message of %d bytes, at most %d are allowed", len(msg), game.MaxMessage))
	}
	s.Messages++
}

// SetTeam implements game.Host.
func (s *Sim) SetTeam(player, team uint32) {
	if p := s.Player(player); p != nil {
		p.Team = team
	}
}

// Kick implements game.Host.
func (s *Sim) Kick(player uint32, _ string) { s.Kicked = append(s.Kicked, player) }

// End implements game.Host.
func (s *Sim) End(result []byte) {
	if !s.Ended {
		s.Ended, s.Result = true, append([]byte{}, result...)
	}
}
