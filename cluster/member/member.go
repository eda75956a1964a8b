package member

import (
	"context"
	"errors"
)

// Errors of Members.
var (
	ErrTooLong = errors.New("the message or its name is too long to be gossiped")
	ErrClosed  = errors.New("the member is closed")
)

// Members is this node's part in the cluster. All methods may be called from any goroutine.
type Members struct{}

// Start begins to listen and to join. It returns before any other node has answered: see [Members.Joined].
func Start(cfg Config) (*Members, error) { return nil, errors.New("not yet") }

// View returns the newest view.
func (m *Members) View() View { return View{} }

// Addr returns the IP:PORT at which others reach this node.
func (m *Members) Addr() string { return "" }

// Joined reports whether the node has found the cluster: somebody answered, or there is nobody to ask.
func (m *Members) Joined() bool { return false }

// SetLoad says how busy this node is. It costs nothing to call often: what changed is gossiped every 1 s, in clusters of
// more than 50 nodes every N/50 s; a change of Draining goes out at once.
func (m *Members) SetLoad(l Load) {}

// SendAll sends b to every node that is alive, in one packet each: milliseconds to all, but some may not get it, and
// messages may overtake each other. ErrTooLong above MaxMessage.
func (m *Members) SendAll(b []byte) error { return nil }

// Gossip spreads b from node to node: slower than SendAll (hundreds of milliseconds at 100 nodes) and scarce (about 100
// messages a second in the whole cluster), but nearly certain. A newer message of the same name of this node replaces an
// older one that still waits. ErrTooLong above MaxMessage or MaxName.
func (m *Members) Gossip(name string, b []byte) error { return nil }

// SetKeys changes the gossip keys while running: the first encrypts, all are accepted. To rotate, give every node the
// new key as its last one, then as its first, then take the old one away; each step everywhere before the next.
func (m *Members) SetKeys(keys [][]byte) error { return nil }

// Leave announces that this node goes, and returns when the others have probably heard it, or with the error of ctx. The
// node still listens until Close.
func (m *Members) Leave(ctx context.Context) error { return nil }

// Close stops everything without a word to the others and waits for it. No callback runs after it returned.
func (m *Members) Close() {}

// Stats returns the counters.
func (m *Members) Stats() Stats { return Stats{} }
