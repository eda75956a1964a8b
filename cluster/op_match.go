package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

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
		return nil, admin.ErrMoved // since the request was sent here
	}
	return nil, admin.ErrNotFound
}

// moved reports whether a match ended here because it goes on elsewhere.
func (h *hosted) moved() bool { return h.match.Info().Outcome == loop.OverMoved }

// stopped reports whether a match ended here only because the node stops: maybe before anybody else knew of its last ticks.
func (h *hosted) stopped() bool { return h.match.Info().Outcome == loop.OverShutdown }

// errUnsure is the answer to an order of which another node may not know that goes on with the match.
var errUnsure = fmt.Errorf("%w: whoever goes on with the match may not know of this", admin.ErrUnreachable)

// refusal says in the words of the API what a match has against a request.
func (h *hosted) refusal(err error) error {
	switch {
	case errors.Is(err, loop.ErrOver) && h.moved():
		return admin.ErrMoved
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
func (o operator) Kick(ctx context.Context, match, player, reason string) error {
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
	return h.surely(ctx, func() error { return h.match.Kick(player, reason) })
}

// Pause implements admin.Node.
func (o operator) Pause(ctx context.Context, match string, on bool) error {
	h, err := o.running(match)
	if err != nil {
		return err
	}
	return h.surely(ctx, func() error { return h.match.Pause(on) })
}

// End implements admin.Node.
func (o operator) End(ctx context.Context, match string, result []byte) (admin.Match, error) {
	h, err := o.running(match)
	if err != nil {
		return admin.Match{}, err
	}
	if err := h.order(ctx, func() error { return h.match.Finish(result) }); err != nil {
		return admin.Match{}, err
	}
	if err := h.ended(ctx); err != nil {
		return admin.Match{}, err
	}
	return o.Match(match)
}

// Event implements admin.Node.
func (o operator) Event(ctx context.Context, match string, data []byte) error {
	h, err := o.running(match)
	if err != nil {
		return err
	}
	return h.surely(ctx, func() error { return h.match.Admin(data) })
}

// askAnnounce asks a node to tell the players of a match, or of all its matches, something.
type askAnnounce struct {
	Match string `json:"match,omitempty"`
	Text  string `json:"text"`
}

// gotAnnounce is who was told, and which matches a node was just handing over: nobody in them was told.
type gotAnnounce struct {
	admin.Told
	Moving []string `json:"moving,omitempty"`
}

// giveAnnounce tells players something. Of all matches, those that end or are too busy right now are left out.
func (n *Node) giveAnnounce(ctx context.Context, _ string, in askAnnounce) (got gotAnnounce, err error) {
	if in.Match != "" {
		h, err := n.running(in.Match)
		if err == nil {
			err = h.surely(ctx, func() error { return h.match.Announce(in.Text) })
		}
		if err == nil {
			got.Matches, got.Players = 1, len(h.match.Info().Present)
		}
		return got, err
	}
	for _, h := range n.matches.all() {
		shut, err := h.gate.pass(func() error { return h.match.Announce(in.Text) })
		switch {
		case shut != nil, errors.Is(err, loop.ErrOver) && h.moved():
			got.Moving = append(got.Moving, h.match.ID())
		case err == nil:
			got.Matches++
			got.Players += len(h.match.Info().Present)
		}
	}
	return got, nil
}

// Announce implements admin.Node.
func (o operator) Announce(ctx context.Context, to admin.Audience, text string) (told admin.Told, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	nodes := []string{to.Node}
	switch {
	case to.Match != "":
		return o.announceIn(ctx, to.Match, text)
	case to.Node == "":
		nodes = append(o.others(), o.id)
	default:
		if _, ok := o.node(to.Node); !ok {
			return told, admin.ErrNoNode
		}
	}
	parts := make([]admin.Told, len(nodes))
	errs := make([]error, len(nodes))
	var asked sync.WaitGroup
	for i, node := range nodes {
		asked.Go(func() { parts[i], errs[i] = o.announceOn(ctx, node, text) })
	}
	asked.Wait()
	if to.Node != "" {
		return parts[0], errs[0]
	}
	for i := range nodes {
		told.Matches += parts[i].Matches
		told.Players += parts[i].Players
		if errs[i] != nil {
			told.Missing = append(told.Missing, nodes[i])
		}
	}
	return told, nil
}

// announceIn tells everybody in a match something, wherever it is by now.
func (o operator) announceIn(ctx context.Context, match, text string) (admin.Told, error) {
	for {
		node, err := o.Owner(ctx, match)
		if err != nil {
			return admin.Told{}, err
		}
		got, err := ask[gotAnnounce](ctx, o.Node, orThis(node, o.id), "announce", askAnnounce{Match: match, Text: text})
		if !errors.Is(err, admin.ErrMoved) {
			return got.Told, err
		}
		select {
		case <-ctx.Done():
			return got.Told, err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// announceOn tells everybody in a node's matches something, also in those that are just leaving it.
func (o operator) announceOn(ctx context.Context, node, text string) (admin.Told, error) {
	got, err := ask[gotAnnounce](ctx, o.Node, node, "announce", askAnnounce{Text: text})
	told := make([]admin.Told, len(got.Moving))
	var asked sync.WaitGroup
	for i, match := range got.Moving {
		asked.Go(func() { told[i], _ = o.announceIn(ctx, match, text) }) // one that ends meanwhile is left out
	}
	asked.Wait()
	for _, x := range told {
		got.Matches += x.Matches
		got.Players += x.Players
	}
	return got.Told, err
}

func orThis(node, this string) string {
	if node == "" {
		return this
	}
	return node
}
