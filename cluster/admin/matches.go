package admin

import (
	"fmt"
	"net/http"
	"strings"
)

// matchPath is the parameter that most operations have.
type matchPath struct {
	ID string `path:"id" min:"1" max:"64" doc:"the match"`
}

type createMatchIn struct {
	Key  string    `header:"Idempotency-Key" max:"255" doc:"a request with the key of an earlier one gets that one's match"`
	Body MatchSpec `body:"optional"`
}

type createdMatch struct {
	ID  string `json:"match_id"`
	URL string `json:"url" doc:"where players connect"`
}

type listMatchesIn struct {
	After string   `query:"after" max:"64" doc:"next of the page before"`
	Limit int      `query:"limit" min:"1" max:"1000" default:"100"`
	Game  string   `query:"game" max:"64"`
	State string   `query:"state" enum:"waiting,running,ended"`
	Label []string `query:"label" max:"16" values:"2..513" doc:"name=value, of matches that have this label"`
}

type matchList struct {
	Matches []Match  `json:"matches"`
	Next    string   `json:"next,omitempty" doc:"where more begin: after for the next call"`
	Missing []string `json:"missing,omitempty" doc:"nodes that did not answer: their matches are not in the list"`
}

type signTokensIn struct {
	ID   string    `path:"id" min:"1" max:"64" doc:"the match"`
	Body tokenSpec `body:"required"`
}

type tokenSpec struct {
	Players []Player `json:"players" need:"yes" min:"1" max:"512" doc:"each with an id of his own"`
}

type signedTokens struct {
	URL    string            `json:"url" doc:"where players connect"`
	Tokens map[string]string `json:"tokens" doc:"by player"`
}

func (s *Server) matchRoutes() []Route {
	n := s.cfg.Node
	return []Route{
		Op("createMatch", "POST /v1/matches", http.StatusCreated, "Make a match", s.createMatch).
			Fails(ErrGame, ErrRegion, ErrKeyReused, ErrLost, ErrFull, ErrDraining, ErrUnreachable),
		Op("listMatches", "GET /v1/matches", http.StatusOK, "List running matches of all nodes, by id", s.listMatches),
		Op("getMatch", "GET /v1/matches/{id}", http.StatusOK, "One match, also for a while after its end", s.getMatch).
			Fails(ErrNotFound, ErrBusy).At(n.Owner),
		Op("deleteMatch", "DELETE /v1/matches/{id}", http.StatusNoContent, "End a match without a result", s.deleteMatch).
			Fails(ErrNotFound, ErrBusy).At(n.Owner),
		Op("signTokens", "POST /v1/matches/{id}/tokens", http.StatusOK, "Sign tokens that let players in", s.signTokens).
			Fails(ErrNotFound, ErrBusy).At(n.Owner),
	}
}

func (s *Server) createMatch(c *Call, in createMatchIn) (createdMatch, error) {
	made, err := s.cfg.Node.CreateMatch(c, in.Body, in.Key)
	if err != nil {
		return createdMatch{}, err
	}
	if made.URL == "" {
		made.URL = s.cfg.Node.PlayerURL(c.Host)
	}
	c.Header.Set("Location", "/v1/matches/"+made.ID)
	return createdMatch(made), nil
}

// defPage is how many entries a page has by default.
const defPage = 100

func pageSize(limit int) int {
	if limit == 0 {
		return defPage
	}
	return limit
}

func (s *Server) listMatches(c *Call, in listMatchesIn) (matchList, error) {
	q := MatchQuery{After: in.After, Limit: pageSize(in.Limit), Game: in.Game, State: in.State}
	for _, l := range in.Label {
		name, v, ok := strings.Cut(l, "=")
		if !ok || name == "" {
			return matchList{}, invalid("a label is asked for as name=value")
		}
		if q.Labels == nil {
			q.Labels = map[string]string{}
		}
		if was, twice := q.Labels[name]; twice && was != v {
			return matchList{Matches: []Match{}}, nil // a label has one value
		}
		q.Labels[name] = v
	}
	list, more, silent := s.cfg.Node.Matches(c, q)
	answer := matchList{Matches: list, Missing: silent}
	if list == nil {
		answer.Matches = []Match{}
	}
	if more && len(list) > 0 {
		answer.Next = list[len(list)-1].ID
	}
	return answer, nil
}

func (s *Server) getMatch(_ *Call, in matchPath) (Match, error) { return s.cfg.Node.Match(in.ID) }

func (s *Server) deleteMatch(_ *Call, in matchPath) (Nothing, error) {
	return Nothing{}, s.cfg.Node.DeleteMatch(in.ID)
}

func (s *Server) signTokens(c *Call, in signTokensIn) (signedTokens, error) {
	seen := make(map[string]bool, len(in.Body.Players))
	for i, p := range in.Body.Players {
		if seen[p.ID] {
			return signedTokens{}, invalid(fmt.Sprintf("players[%d].id %.64q is there twice", i, p.ID))
		}
		seen[p.ID] = true
	}
	tokens, err := s.cfg.Node.Tokens(in.ID, in.Body.Players)
	return signedTokens{s.cfg.Node.PlayerURL(c.Host), tokens}, err
}
