package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/game/loop"
)

// running returns a match of this node that something can be done to.
func (n *Node) running(id string) (*hosted, error) {
	if h := n.matches.get(id); h != nil {
		return h, nil
	}
	if _, ok := n.matches.result(id); ok {
		return nil, admin.ErrOver
	}
	if r, ok := n.dir.Get(id); ok && r.Live() {
		return nil, errMovedAway // since the request was sent here
	}
	return nil, admin.ErrNotFound
}

// errMovedAway asks for another try.
var errMovedAway = fmt.Errorf("%w: the match is just going to another node", admin.ErrBusy)

// moved reports whether a match ended here because it goes on elsewhere.
func (h *hosted) moved() bool { return h.match.Info().Outcome == loop.OverMoved }

// refusal says in the words of the API what a match has against a request.
func (h *hosted) refusal(err error) error {
	switch {
	case errors.Is(err, loop.ErrOver) && h.moved():
		return errMovedAway
	case errors.Is(err, loop.ErrOver):
		return admin.ErrOver
	case errors.Is(err, loop.ErrBusy):
		return fmt.Errorf("%w: %w", admin.ErrBusy, err)
	case errors.Is(err, loop.ErrSize):
		return fmt.Errorf("%w for a match", admin.ErrTooLarge)
	}
	return err
}

// Kick implements admin.Node.
func (o operator) Kick(match, player, reason string) error {
	h, err := o.running(match)
	if err != nil {
		return err
	}
	if !slices.Contains(h.match.Info().Present, player) {
		return admin.ErrNoPlayer
	}
	if reason == "" {
		reason = "removed by an operator"
	}
	return h.refusal(h.match.Kick(player, reason))
}

// Pause implements admin.Node.
func (o operator) Pause(match string, on bool) error {
	h, err := o.running(match)
	if err != nil {
		return err
	}
	return h.refusal(h.match.Pause(on))
}

// End implements admin.Node.
func (o operator) End(ctx context.Context, match string, result []byte) (admin.Match, error) {
	h, err := o.running(match)
	if err != nil {
		return admin.Match{}, err
	}
	if err := h.match.Finish(result); err != nil {
		return admin.Match{}, h.refusal(err)
	}
	if err := h.ended(ctx); err != nil {
		return admin.Match{}, err
	}
	return o.Match(match)
}

// Event implements admin.Node.
func (o operator) Event(match string, data []byte) error {
	h, err := o.running(match)
	if err != nil {
		return err
	}
	return h.refusal(h.match.Admin(data))
}

// askAnnounce asks a node to tell the players of a match, or of all its matches, something.
type askAnnounce struct {
	Match string `json:"match,omitempty"`
	Text  string `json:"text"`
}

// giveAnnounce tells players something. Of all matches, those that end or are too busy right now are left out.
func (n *Node) giveAnnounce(_ context.Context, _ string, in askAnnounce) (told admin.Told, err error) {
	all := n.matches.all()
	if in.Match != "" {
		h, err := n.running(in.Match)
		if err != nil {
			return told, err
		}
		all = []*hosted{h}
	}
	for _, h := range all {
		if err := h.match.Announce(in.Text); err != nil {
			if in.Match != "" {
				return told, h.refusal(err)
			}
			continue
		}
		told.Matches++
		told.Players += len(h.match.Info().Present)
	}
	return told, nil
}

// Announce implements admin.Node.
func (o operator) Announce(ctx context.Context, to admin.Audience, text string) (told admin.Told, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	in := askAnnounce{Match: to.Match, Text: text}
	switch {
	case to.Match != "":
		node, err := o.Owner(ctx, to.Match)
		if err != nil {
			return told, err
		}
		return ask[admin.Told](ctx, o.Node, orThis(node, o.id), "announce", in)
	case to.Node != "":
		if _, ok := o.node(to.Node); !ok {
			return told, admin.ErrNoNode
		}
		return ask[admin.Told](ctx, o.Node, to.Node, "announce", in)
	}
	nodes := append(o.others(), o.id)
	parts := make([]admin.Told, len(nodes))
	errs := make([]error, len(nodes))
	var asked sync.WaitGroup
	for i, node := range nodes {
		asked.Go(func() { parts[i], errs[i] = ask[admin.Told](ctx, o.Node, node, "announce", in) })
	}
	asked.Wait()
	for i := range nodes {
		told.Matches += parts[i].Matches
		told.Players += parts[i].Players
		if errs[i] != nil {
			told.Missing = append(told.Missing, nodes[i])
		}
	}
	return told, nil
}

func orThis(node, this string) string {
	if node == "" {
		return this
	}
	return node
}
