package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/link"
)

// method answers one sort of call from another node. Bodies are JSON; whoever calls has proven that it belongs to the cluster.
type method func(ctx context.Context, from string, body []byte) ([]byte, error)

// takes makes a method of a function.
func takes[In, Out any](f func(ctx context.Context, from string, in In) (Out, error)) method {
	return func(ctx context.Context, from string, body []byte) ([]byte, error) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, &link.Error{Code: "malformed", Text: err.Error()}
		}
		out, err := f(ctx, from, in)
		if err != nil {
			return nil, asCallError(err)
		}
		return json.Marshal(out)
	}
}

// served is the link's Config.Call.
func (n *Node) served(ctx context.Context, from, name string, body []byte) ([]byte, error) {
	m := n.methods[name]
	if m == nil {
		return nil, &link.Error{Code: link.CodeMethod, Text: "no such method"}
	}
	return m(ctx, from, body)
}

// ask calls a method of a node, which may be this one. Errors that the other node returned are those of package admin again;
// admin.ErrUnreachable wraps all that went wrong on the way.
func ask[Out any](ctx context.Context, n *Node, node, name string, in any) (out Out, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	var answer []byte
	switch {
	case node == n.id:
		answer, err = n.served(ctx, n.id, name, body)
	case n.links == nil:
		return out, fmt.Errorf("%w: %s", admin.ErrUnreachable, node)
	default:
		answer, err = n.links.Call(ctx, node, name, body)
	}
	if err != nil {
		return out, fromCallError(node, err)
	}
	if err = json.Unmarshal(answer, &out); err != nil {
		return out, fmt.Errorf("answer of %s to %s: %w", node, name, err)
	}
	return out, nil
}

// callErrors are the errors that keep their meaning from node to node, with their codes.
var callErrors = []struct {
	code string
	err  error
}{
	{"not_found", admin.ErrNotFound},
	{"invalid", admin.ErrInvalid},
	{"game", admin.ErrGame},
	{"region", admin.ErrRegion},
	{"full", admin.ErrFull},
	{"draining", admin.ErrDraining},
	{"key_reused", admin.ErrKeyReused},
	{"lost", admin.ErrLost},
	{"unreachable", admin.ErrUnreachable},
	{"no_ticket", admin.ErrTicket},
	{"player_busy", admin.ErrPlayerBusy},
	{"assigned", admin.ErrAssigned},
	{"unreachable", admin.ErrUnreachable},
	{"no_node", admin.ErrNoNode},
	{"over", admin.ErrOver},
	{"moved_away", admin.ErrMoved}, // which is busy too
	{"busy", admin.ErrBusy},
	{"too_large", admin.ErrTooLarge},
}

func asCallError(err error) error {
	for _, c := range callErrors {
		if errors.Is(err, c.err) {
			return &link.Error{Code: c.code, Text: err.Error()}
		}
	}
	return err
}

// remoteError is an error of another node with its words, and with what it wraps here.
type remoteError struct {
	text string
	err  error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.err }

func fromCallError(node string, err error) error {
	var remote *link.Error
	if !errors.As(err, &remote) {
		return fmt.Errorf("%w: %s: %w", admin.ErrUnreachable, node, err)
	}
	for _, c := range callErrors {
		if remote.Code == c.code {
			return &remoteError{remote.Text, c.err}
		}
	}
	if remote.Code == link.CodeBusy || remote.Code == link.CodeTimeout {
		return fmt.Errorf("%w: %s: %w", admin.ErrUnreachable, node, err)
	}
	return fmt.Errorf("node %s: %w", node, err)
}
