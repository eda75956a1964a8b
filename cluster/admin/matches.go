package admin

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Limits of requests.
const (
	maxBody    = 256 << 10 // bytes
	maxPage    = 1000      // matches in one list
	defPage    = 100
	maxTokens  = 512 // players of one request for tokens
	maxLabels  = 16
	maxLabel   = 256 // bytes of a label's name or value
	maxKeySize = 255 // bytes of an Idempotency-Key
)

func (s *Server) createMatch(w http.ResponseWriter, r *http.Request) {
	var spec MatchSpec
	if !Read(w, r, maxBody, true, &spec) {
		return
	}
	if err := spec.validate(); err != nil {
		Problem(w, http.StatusBadRequest, err.Error())
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if len(key) > maxKeySize {
		Problem(w, http.StatusBadRequest, fmt.Sprintf("the Idempotency-Key may have %d bytes", maxKeySize))
		return
	}
	made, err := s.cfg.Node.CreateMatch(r.Context(), spec, key)
	if err != nil {
		s.fail(w, err)
		return
	}
	if made.URL == "" {
		made.URL = s.playerURL(r)
	}
	w.Header().Set("Location", "/v1/matches/"+made.ID)
	JSON(w, http.StatusCreated, map[string]string{"match_id": made.ID, "url": made.URL})
}

func (s *Server) playerURL(r *http.Request) string { return s.cfg.Node.PlayerURL(hostname(r.Host)) }

// validate checks what no game needs to know; seats, tick rate and settings are checked by the node.
func (m MatchSpec) validate() error {
	if len(m.Labels) > maxLabels {
		return fmt.Errorf("%d labels, at most %d", len(m.Labels), maxLabels)
	}
	for k, v := range m.Labels {
		if k == "" || len(k) > maxLabel || len(v) > maxLabel {
			return fmt.Errorf("label %.32q: name and value may have %d bytes, the name at least one", k, maxLabel)
		}
	}
	if m.Seats < 0 || m.TickHz < 0 {
		return errors.New("seats and tick_hz must not be negative")
	}
	return nil
}

func (s *Server) listMatches(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit := defPage
	if v := q.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			Problem(w, http.StatusBadRequest, "limit must be a number from 1")
			return
		}
		limit = min(n, maxPage)
	}
	list, more, silent := s.cfg.Node.Matches(r.Context(), q.Get("after"), limit)
	answer := struct {
		Matches []Match  `json:"matches"`
		Next    string   `json:"next,omitempty"`    // where more begin: the value of "after" for the next call
		Missing []string `json:"missing,omitempty"` // nodes that did not answer: their matches are not in the list
	}{Matches: list, Missing: silent}
	if list == nil {
		answer.Matches = []Match{}
	}
	if more && len(list) > 0 {
		answer.Next = list[len(list)-1].ID
	}
	JSON(w, http.StatusOK, answer)
}

func (s *Server) getMatch(w http.ResponseWriter, r *http.Request) {
	m, err := s.cfg.Node.Match(r.PathValue("id"))
	if err != nil {
		s.fail(w, err)
		return
	}
	JSON(w, http.StatusOK, m)
}

func (s *Server) deleteMatch(w http.ResponseWriter, r *http.Request) {
	if err := s.cfg.Node.DeleteMatch(r.PathValue("id")); err != nil {
		s.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) signTokens(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Players []Player `json:"players"`
	}
	if !Read(w, r, maxBody, false, &ask) {
		return
	}
	if err := validatePlayers(ask.Players); err != nil {
		Problem(w, http.StatusBadRequest, err.Error())
		return
	}
	tokens, err := s.cfg.Node.Tokens(r.PathValue("id"), ask.Players)
	if err != nil {
		s.fail(w, err)
		return
	}
	JSON(w, http.StatusOK, map[string]any{"url": s.playerURL(r), "tokens": tokens})
}

func validatePlayers(list []Player) error {
	if len(list) == 0 || len(list) > maxTokens {
		return fmt.Errorf("players: %d given, want 1 to %d", len(list), maxTokens)
	}
	seen := make(map[string]bool, len(list))
	for i, p := range list {
		if strings.TrimSpace(p.ID) == "" {
			return fmt.Errorf("players[%d]: the id is missing", i)
		}
		if seen[p.ID] {
			return fmt.Errorf("players[%d]: the id %.64q is there twice", i, p.ID)
		}
		seen[p.ID] = true
	}
	return nil
}

func (s *Server) listNodes(w http.ResponseWriter, _ *http.Request) {
	JSON(w, http.StatusOK, map[string][]NodeInfo{"nodes": s.cfg.Node.Nodes()})
}
