package admin

import (
	"encoding/json"
	"net/http"
)

type kickIn struct {
	ID   string   `path:"id" min:"1" max:"64" doc:"the match"`
	Body kickSpec `body:"required"`
}

type kickSpec struct {
	Player string `json:"player" need:"yes" min:"1" max:"64" doc:"id from his token"`
	Reason string `json:"reason" max:"100" doc:"that he is told"`
}

type pauseIn struct {
	ID   string    `path:"id" min:"1" max:"64" doc:"the match"`
	Body pauseSpec `body:"required"`
}

type pauseSpec struct {
	Paused bool `json:"paused" need:"yes" doc:"true stops the rules, false lets them go on"`
}

type endIn struct {
	ID   string  `path:"id" min:"1" max:"64" doc:"the match"`
	Body endSpec `body:"required"`
}

type endSpec struct {
	Result json.RawMessage `json:"result" need:"yes" doc:"any JSON, at most 64 KiB; players are told it up to 16 KiB"`
}

type eventIn struct {
	ID   string          `path:"id" min:"1" max:"64" doc:"the match"`
	Body json.RawMessage `body:"required" doc:"any JSON, at most 64 KiB: the rules get its bytes as they are"`
}

type messageIn struct {
	Body messageSpec `body:"required"`
}

type messageSpec struct {
	Match string `json:"match" max:"64" doc:"to everybody in this match"`
	Node  string `json:"node" max:"64" doc:"to everybody in matches of this node; with neither: to all"`
	Text  string `json:"text" need:"yes" min:"1" max:"250" doc:"that players are shown"`
}

func (s *Server) operateRoutes() []Route {
	n := s.cfg.Node
	return []Route{
		Op("kickPlayer", "POST /v1/matches/{id}/kick", http.StatusAccepted, "Remove a player at the next tick", s.kick).
			Fails(ErrNotFound, ErrNoPlayer, ErrOver, ErrBusy, ErrUnreachable).At(n.Owner),
		Op("pauseMatch", "POST /v1/matches/{id}/pause", http.StatusAccepted, "Pause a match, or let it go on, at the next tick", s.pause).
			Fails(ErrNotFound, ErrOver, ErrBusy, ErrUnreachable).At(n.Owner),
		Op("endMatch", "POST /v1/matches/{id}/end", http.StatusOK, "End a match with a result", s.end).
			Fails(ErrNotFound, ErrOver, ErrBusy, ErrTooLarge).At(n.Owner),
		Op("sendEvent", "POST /v1/matches/{id}/admin", http.StatusAccepted, "Hand the rules an event of your own", s.event).
			Fails(ErrNotFound, ErrOver, ErrBusy, ErrTooLarge, ErrUnreachable).At(n.Owner),
		Op("sendMessage", "POST /v1/messages", http.StatusOK, "Tell players something", s.message).
			Fails(ErrNotFound, ErrNoNode, ErrOver, ErrBusy, ErrUnreachable),
	}
}

func (s *Server) kick(c *Call, in kickIn) (Nothing, error) {
	return Nothing{}, s.cfg.Node.Kick(c, in.ID, in.Body.Player, in.Body.Reason)
}

func (s *Server) pause(c *Call, in pauseIn) (Nothing, error) {
	return Nothing{}, s.cfg.Node.Pause(c, in.ID, in.Body.Paused)
}

func (s *Server) end(c *Call, in endIn) (Match, error) {
	return s.cfg.Node.End(c, in.ID, in.Body.Result)
}

func (s *Server) event(c *Call, in eventIn) (Nothing, error) {
	return Nothing{}, s.cfg.Node.Event(c, in.ID, in.Body)
}

func (s *Server) message(c *Call, in messageIn) (Told, error) {
	if in.Body.Match != "" && in.Body.Node != "" {
		return Told{}, invalid("a message goes to a match or to a node, not to both")
	}
	return s.cfg.Node.Announce(c, Audience{Match: in.Body.Match, Node: in.Body.Node}, in.Body.Text)
}
