package cluster

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/matchmaker"
)

// TicketSpec is the body of POST /v1/tickets.
type TicketSpec struct {
	Queue   string         `json:"queue" need:"yes" min:"1" max:"64" pattern:"^[!-~]+$" doc:"any name; one that no rules are given for has the defaults"`
	Game    string         `json:"game" max:"64" doc:"none: the queue's, or the node's first"`
	Size    int            `json:"size" min:"0" max:"255" doc:"players of the match; 0: as the queue says"`
	Teams   int            `json:"teams" min:"0" max:"32" doc:"equal teams that they are divided into"`
	Layout  []int          `json:"layout" max:"32" doc:"size of each team, instead of size and teams"`
	Players []TicketPlayer `json:"players" need:"yes" min:"1" max:"64" doc:"a party; it stays in one team"`
}

// TicketPlayer is one of a party.
type TicketPlayer struct {
	ID         string            `json:"id" need:"yes" min:"1" max:"64" pattern:"^[!-~]+$"`
	Skill      float64           `json:"skill" min:"-1000000000" max:"1000000000" doc:"on any scale"`
	Latency    map[string]int    `json:"latency_ms" max:"64" names:"1..64" values:"0..60000" doc:"round trip to each region that he can use; none: any region"`
	Attributes map[string]string `json:"attributes" max:"16" names:"1..64" values:"0..256"`
}

// TicketAssignment says where the players of a ticket play.
type TicketAssignment struct {
	Match  string            `json:"match_id"`
	URL    string            `json:"url" doc:"where they connect"`
	Tokens map[string]string `json:"tokens" doc:"by player"`
	Teams  map[string]int    `json:"teams" doc:"by player, from 1; 0: the game decides"`
}

// TicketInfo is what the API shows of a ticket.
type TicketInfo struct {
	ID         string            `json:"ticket_id"`
	Queue      string            `json:"queue"`
	State      string            `json:"state" enum:"waiting,proposed,assigned,expired"`
	Game       string            `json:"game"`
	Layout     []int             `json:"layout" doc:"size of each team of its match"`
	Players    []string          `json:"players"`
	Waited     float64           `json:"waited_s" min:"0" doc:"since it was added; of one that waits no more, until now"`
	Reason     string            `json:"reason,omitempty" doc:"why it expired"`
	Assignment *TicketAssignment `json:"assignment,omitempty"`
}

// TicketExplanation says why a ticket waits.
type TicketExplanation struct {
	State       string         `json:"state"`
	WaitingS    float64        `json:"waiting_s"`
	Candidates  int            `json:"candidates" doc:"waiting tickets that may play with it by every rule"`
	Players     int            `json:"candidate_players" doc:"in them"`
	Needed      int            `json:"needed_players" doc:"besides its own, for the smallest match that is allowed by now"`
	Excluded    map[string]int `json:"excluded" doc:"the other tickets of the queue, under the first rule that keeps each apart"`
	OpenMatches int            `json:"open_matches" doc:"running matches that would take it"`
	FullMatches map[string]int `json:"excluded_matches" doc:"other running matches that look for players, under the rule that keeps each out"`
	BlockedBy   string         `json:"blocked_by" doc:"enough candidates and still no match: party_sizes, skill or region"`
	NextS       *float64       `json:"next_widening_s,omitempty" doc:"until one of its own windows is wider; left out if none will be"`
	NextNewS    *float64       `json:"next_candidate_s,omitempty" doc:"until widening lets another waiting ticket in; left out if it never does"`
	Text        string         `json:"text"`
}

type createTicketIn struct {
	Key  string     `header:"Idempotency-Key" max:"255" doc:"a request with the key of an earlier one for the same queue gets that one's ticket"`
	Body TicketSpec `body:"required"`
}

type createdTicket struct {
	ID string `json:"ticket_id"`
}

type getTicketIn struct {
	ID   string `path:"id" min:"1" max:"64" doc:"the ticket"`
	Wait string `query:"wait" max:"8" pattern:"^[0-9]+(ms|s)$" doc:"how long to wait for its end, up to 30s"`
}

type ticketPath struct {
	ID string `path:"id" min:"1" max:"64" doc:"the ticket"`
}

// maxTicketWait bounds how long a request for a ticket waits.
const maxTicketWait = 30 * time.Second

// ticketRoutes are the calls about tickets. Any node takes them.
func (n *Node) ticketRoutes() []admin.Route {
	o := operator{n}
	return []admin.Route{
		admin.Op("createTicket", "POST /v1/tickets", http.StatusCreated, "Look for a match for a party", o.createTicket).
			Fails(admin.ErrGame, admin.ErrPlayerBusy, admin.ErrKeyReused, admin.ErrFull, admin.ErrDraining, admin.ErrUnreachable),
		admin.Op("getTicket", "GET /v1/tickets/{id}", http.StatusOK, "A ticket, and where its players play once they have a match", o.getTicket).
			Fails(admin.ErrTicket, admin.ErrFull, admin.ErrDraining, admin.ErrUnreachable).Only(admin.RoleOperate), // tokens are secrets
		admin.Op("deleteTicket", "DELETE /v1/tickets/{id}", http.StatusNoContent, "Look no more", o.deleteTicket).
			Fails(admin.ErrTicket, admin.ErrAssigned, admin.ErrDraining, admin.ErrUnreachable),
		admin.Op("explainTicket", "GET /v1/tickets/{id}/explain", http.StatusOK, "Why a ticket waits", o.explainTicket).
			Fails(admin.ErrTicket, admin.ErrDraining, admin.ErrUnreachable),
	}
}

// createTicket adds a ticket at the home of its queue.
func (o operator) createTicket(c *admin.Call, in createTicketIn) (out createdTicket, err error) {
	b := &in.Body
	r := matchmaker.Request{Game: b.Game, Size: b.Size, Teams: b.Teams, Layout: b.Layout}
	for _, p := range b.Players {
		r.Players = append(r.Players, matchmaker.Player(p))
	}
	rules := o.tickets.rules.Load().For(b.Queue)
	if r.Game == "" && rules.Game == "" {
		r.Game = o.cfg.Games[0].Name
	}
	if _, err := o.game(orThis(r.Game, rules.Game)); err != nil {
		return out, err
	}
	if v := o.tickets.view(); len(v.able) == 0 {
		return out, admin.ErrDraining
	}
	ctx, cancel := context.WithTimeout(c, ticketWithin)
	defer cancel()
	out.ID = newTicketID(b.Queue, in.Key)
	got, err := askHome[gotAdd](ctx, o.tickets, queueKey(b.Queue), "ticket_add", askAdd{b.Queue, out.ID, r})
	if err != nil {
		return out, err
	}
	if x := got.Busy; x != nil {
		c.Header.Set("Link", fmt.Sprintf(`</v1/tickets/%s>; rel="related"`, x.Ticket))
		return out, fmt.Errorf("%w: %s in ticket %s of queue %s", admin.ErrPlayerBusy, x.Player, x.Ticket, x.Queue)
	}
	c.Header.Set("Location", "/v1/tickets/"+out.ID)
	return out, nil
}

func (o operator) getTicket(c *admin.Call, in getTicketIn) (out TicketInfo, err error) {
	limit, _ := time.ParseDuration(in.Wait) // its pattern was checked; none is 0
	limit = min(limit, maxTicketWait)
	began := time.Now()
	for {
		got, err := askTicketHome[gotTicket](c, o.tickets, in.ID, "ticket_get")
		if err != nil {
			return out, err
		}
		left := limit - time.Since(began)
		if final := got.Ticket.State == matchmaker.Assigned || got.Ticket.State == matchmaker.Expired; final || left <= 0 {
			return o.showTicket(c, &got), nil
		}
		if err := o.tickets.wait(c, in.ID, left); err != nil || c.Err() != nil || o.life.Err() != nil {
			return o.showTicket(c, &got), err
		}
	}
}

// showTicket makes what the API shows.
func (o operator) showTicket(c *admin.Call, got *gotTicket) TicketInfo {
	x := &got.Ticket
	out := TicketInfo{
		ID: x.ID, Queue: got.Queue, State: x.State.String(), Game: x.Game, Layout: append([]int{}, x.Layout...), Players: x.Players,
		Waited: float64(got.Waited.Milliseconds()) / 1000, Reason: x.Reason,
	}
	if out.Layout == nil {
		out.Layout = []int{} // a final ticket does not say
	}
	if x.State != matchmaker.Assigned {
		return out
	}
	out.Assignment = &TicketAssignment{x.Assignment.Match, x.Assignment.URL, x.Assignment.Tokens, map[string]int{}}
	for id, signed := range x.Assignment.Tokens {
		who, _ := o.keys.VerifyPlayer(signed, time.Now()) // one that has expired, or whose key is gone, is in no team
		out.Assignment.Teams[id] = int(who.Team)
	}
	if r, ok := o.dir.Get(x.Assignment.Match); ok { // it may have moved
		if y, ok := o.node(r.Owner); ok {
			out.Assignment.URL = y.Meta.URL
		}
	}
	if out.Assignment.URL == "" {
		out.Assignment.URL = o.PlayerURL(c.Host)
	}
	return out
}

func (o operator) deleteTicket(c *admin.Call, in ticketPath) (admin.Nothing, error) {
	_, err := askTicketHome[gotNothing](c, o.tickets, in.ID, "ticket_remove")
	return admin.Nothing{}, err
}

func (o operator) explainTicket(c *admin.Call, in ticketPath) (TicketExplanation, error) {
	got, err := askTicketHome[matchmaker.Explanation](c, o.tickets, in.ID, "ticket_explain")
	return TicketExplanation(got), err
}

// askTicketHome asks the home of a ticket's queue about it.
func askTicketHome[Out any](ctx context.Context, t *tickets, id, method string) (out Out, err error) {
	key, ok := keyOfTicket(id)
	if !ok {
		return out, fmt.Errorf("%w: %s", admin.ErrTicket, strconv.Quote(id))
	}
	ctx, cancel := context.WithTimeout(ctx, ticketWithin)
	defer cancel()
	return askHome[Out](ctx, t, key, method, askTicket{id})
}
