package bots

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"
)

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

const (
	routeTimeout = 2 * time.Second // of one node's answer
	maxNodes     = 64
)

// nodes is every node that the bots have heard of; any of them can tell where a match is. For many goroutines.
type nodes struct {
	api   *caller
	mu    sync.Mutex // guards known
	known []string   // bases of HTTP calls, the target first; at most maxNodes, later ones are ignored
}

// discover learns all nodes from an admin listener. A server that knows of no others does not answer, which is no error.
func (n *nodes) discover(ctx context.Context, admin string, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, routeTimeout)
	defer cancel()
	urls, err := n.api.nodeURLs(ctx, admin)
	if err != nil {
		log.Debug("the nodes are not known", "err", err)
	}
	for _, u := range urls {
		n.learn(u)
	}
}

// any returns the match address of a random node.
func (n *nodes) any(rng *rand.Rand) (string, error) {
	known := n.all()
	return playURL(known[rng.IntN(len(known))])
}

// spread finds an address for a bot that enters anywhere, and asks for the right one only when that did not help.
func (n *nodes) spread(ctx context.Context, match string, attempt int, rng *rand.Rand) (string, error) {
	if attempt > 2 && attempt%2 == 0 {
		return n.locate(ctx, match, attempt)
	}
	return n.any(rng)
}

// locate asks a node where a match is played: the first with attempt 0, others with later ones. When nobody can tell, the bot shall ask another
// node as a player: that one sends him there, or says that the match is over.
func (n *nodes) locate(ctx context.Context, match string, attempt int) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*routeTimeout)
	defer cancel()
	known := n.all()
	var errs []error
	for i := range min(len(known), 3) {
		one, done := context.WithTimeout(ctx, routeTimeout)
		r, err := n.api.route(one, known[(attempt+i)%len(known)], match)
		done()
		if err == nil {
			n.learn(r.URL)
			n.learn(r.Standby)
			return r.URL, nil
		}
		errs = append(errs, err)
	}
	if attempt > 1 && len(known) > 1 {
		return playURL(known[attempt%len(known)])
	}
	return "", errors.Join(errs...)
}

func (n *nodes) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.known)
}

// learn remembers the node behind an address.
func (n *nodes) learn(addr string) {
	base, err := baseURL(addr)
	if err != nil || addr == "" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.known) < maxNodes && !slices.Contains(n.known, base) {
		n.known = append(n.known, base)
	}
}

// maps fetches what never changes of a world, once for each content. For many goroutines.
type maps struct {
	api   *caller
	nodes *nodes
	log   *slog.Logger
	mu    sync.Mutex // guards have, and is held while fetching: the others wait for the same map
	have  map[string][]byte
}

// get returns the content with a hash, nil if no node has it.
func (m *maps) get(hash string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b, ok := m.have[hash]; ok {
		return b
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*routeTimeout)
	defer cancel()
	var errs []error
	for _, base := range m.nodes.all() {
		b, err := m.api.static(ctx, base, hash)
		if err == nil {
			m.have[hash] = b
			return b
		}
		errs = append(errs, err)
	}
	m.log.Warn("bots play without the map", "err", errors.Join(errs...))
	m.have[hash] = nil
	return nil
}
