package netcode

import (
	"errors"
	"time"

	"github.com/overtime-server/overtime/game/journal"
	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/netcode/token"
	"github.com/overtime-server/overtime/schema"
)

// resumeLife is how long a resume token is valid; a fresh one is sent at half of it.
const resumeLife = time.Hour

// join checks a hello and asks the match to let the player in. Called by the read goroutine.
func (x *session) join(h *schema.Hello) {
	if h.Version != schema.Version {
		x.refuse(schema.CloseVersion, "version")
		return
	}
	if h.Resume != "" {
		x.resume(h)
		return
	}
	t, err := x.srv.cfg.Keys.VerifyPlayer(h.Token, time.Now())
	if err != nil {
		x.refuse(schema.CloseToken, tokenProblem(err))
		return
	}
	x.enter(&entry{match: t.Match, epoch: h.Epoch, attach: loop.Attach{
		Who: journal.Join{ID: t.ID, Name: t.Name, Team: t.Team, Bot: t.Bot, Spectator: t.Spectator},
	}})
}

// resume brings back a player whose connection broke. He is let in even where the server is full: he has a seat.
func (x *session) resume(h *schema.Hello) {
	t, err := x.srv.cfg.Keys.VerifyResume(h.Resume, time.Now())
	if err != nil {
		x.refuse(schema.CloseResumeToken, "resume "+tokenProblem(err))
		return
	}
	said := *h
	x.member.resumed, x.member.resume = true, &said
	x.enter(&entry{match: t.Match, epoch: max(h.Epoch, t.Epoch), attach: loop.Attach{
		Who: journal.Join{ID: t.ID}, Resume: true, Player: t.Player, Gen: t.Generation,
	}})
}

// refuse counts a refusal and ends the connection.
func (x *session) refuse(code schema.CloseCode, reason string) {
	x.srv.stats.refuse(reason)
	x.end(code, reason)
}

// tokenProblem names what is wrong with a token without saying more than the client knows already.
func tokenProblem(err error) string {
	if errors.Is(err, token.ErrExpired) {
		return "token expired"
	}
	return "token wrong"
}
