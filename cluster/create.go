package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
	"github.com/overtime-server/overtime/cluster/directory"
	"github.com/overtime-server/overtime/cluster/member"
	"github.com/overtime-server/overtime/cluster/place"
)

// askCreate asks a node to host a match, or to have one hosted. It may be asked again: a match is made once for each id.
type askCreate struct {
	Match string          `json:"match"`
	Spec  admin.MatchSpec `json:"spec"`
	Once  bool            `json:"once,omitempty"` // for a key: it is answered once enough nodes know of it
}

type gotCreate struct {
	URL string `json:"url"` // where its players connect; "": through any node
}

// sum tells specs apart: a key may come again with the same spec only.
func sum(spec admin.MatchSpec) [sha256.Size]byte {
	b, _ := json.Marshal(spec) // it was decoded, so it encodes
	return sha256.Sum256(b)
}

// keyedID is the id of the match that an idempotency key makes: the same on every node.
func keyedID(key string) string {
	h := sha256.Sum256([]byte("overtime match " + key))
	return "m" + strings.ToLower(base32.StdEncoding.EncodeToString(h[:10]))
}

// CreateMatch implements admin.Node. With a key, the match is made by the key's home node, which makes one at a time for each key.
func (o operator) CreateMatch(ctx context.Context, spec admin.MatchSpec, key string) (admin.Created, error) {
	if _, err := o.game(spec.Game); err != nil {
		return admin.Created{}, err
	}
	in := askCreate{Match: newID("m"), Spec: spec}
	if key == "" {
		got, err := o.createBest(ctx, in)
		return admin.Created{ID: in.Match, URL: got.URL}, err
	}
	in.Match = keyedID(key)
	got, err := o.createKeyed(ctx, in)
	return admin.Created{ID: in.Match, URL: got.URL}, err
}

// flights are creations under a key that are on their way here: another with the same key waits for them. It locks itself.
type flights struct {
	mu  sync.Mutex // guards the following
	out map[string]chan struct{}
}

// enter waits for its turn; the caller calls the function that it returns at the end.
func (f *flights) enter(ctx context.Context, id string) (func(), error) {
	for {
		f.mu.Lock()
		busy := f.out[id]
		if busy == nil {
			done := make(chan struct{})
			f.out[id] = done
			f.mu.Unlock()
			return func() {
				f.mu.Lock()
				delete(f.out, id)
				f.mu.Unlock()
				close(done)
			}, nil
		}
		f.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: the same request is on its way", admin.ErrUnreachable)
		}
	}
}

// busy says whether a creation is on its way here.
func (f *flights) busy(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.out[id] != nil
}

// giveCreateOnce makes the match of a key, or finds the one that was made. Others may have made it when this node was not yet the
// key's home, so everybody is asked.
func (n *Node) giveCreateOnce(ctx context.Context, _ string, in askCreate) (got gotCreate, err error) {
	leave, err := n.flights.enter(ctx, in.Match)
	if err != nil {
		return got, err
	}
	defer leave()
	in.Once = true
	w, err := n.search(ctx, in.Match)
	switch {
	case errors.Is(err, admin.ErrNotFound) && !n.joined():
		return got, fmt.Errorf("%w: this node has not found the others yet", admin.ErrUnreachable)
	case errors.Is(err, admin.ErrNotFound) && n.cutShort() && !n.onlyEnded():
		return got, fmt.Errorf("%w: this node does not see enough of the others", admin.ErrUnreachable)
	case errors.Is(err, admin.ErrNotFound):
		return n.createOnce(ctx, in)
	case err != nil:
		return got, err
	case w.record.State == directory.Lost && w.record.Match != "":
		return got, admin.ErrLost
	}
	owner := w.record.Owner
	if w.result != "" {
		owner = w.result
	}
	return ask[gotCreate](ctx, n, owner, "create", in) // compares the specs
}

// joined says whether this node has found the cluster, if there is one.
func (n *Node) joined() bool { return n.members == nil || n.members.Joined() }

// createBest has a match hosted by the node that suits it best.
func (n *Node) createBest(ctx context.Context, in askCreate) (got gotCreate, err error) {
	node, err := n.best(ctx, in)
	if err != nil {
		return got, err
	}
	return ask[gotCreate](ctx, n, node, "create", in) // when it is not reached it may have made the match all the same
}

// best has the node that suits a match best keep room for it, see package place.
func (n *Node) best(ctx context.Context, in askCreate) (string, error) {
	v := n.tickets.view()
	nodes := slices.DeleteFunc(n.candidates(), func(x place.Node) bool { return !v.lives(x.ID) })
	ranked, err := place.Candidates(nodes, in.Match, in.Spec.Region)
	if err != nil {
		return "", placingError(err, in.Spec.Region)
	}
	search := place.NewSearch(ranked)
	for asks := search.Next(); asks != nil; asks = search.Next() {
		for _, r := range n.reserve(ctx, askReserve{Match: in.Match, Game: in.Spec.Game}, asks) {
			search.Answer(r)
		}
	}
	node, ok := search.Winner()
	if !ok {
		return "", admin.ErrFull
	}
	return node, nil
}

// candidates is what placement knows of all nodes.
func (n *Node) candidates() []place.Node {
	var list []place.Node
	for _, x := range n.nodes() {
		if x.State == member.Alive {
			if x.Load == (member.Load{}) {
				x.Load.FreeMatches = 1 // it has not said anything yet; it is asked before anything is placed there
			}
			list = append(list, place.Node{
				ID: x.ID, Region: x.Meta.Region, Zone: hostOf(x.Meta.Link), Draining: x.Load.Draining,
				Matches: x.Load.Matches, Free: x.Load.FreeMatches,
			})
		}
	}
	return list
}

func placingError(err error, region string) error {
	switch {
	case errors.Is(err, place.ErrNoRegion):
		return fmt.Errorf("%w: %.40q", admin.ErrRegion, region)
	case errors.Is(err, place.ErrDraining):
		return admin.ErrDraining
	default:
		return admin.ErrFull
	}
}

// askReserve asks a node how busy it is, or to keep room for a match.
type askReserve struct {
	Match string  `json:"match"`
	Hold  bool    `json:"hold,omitempty"`  // keep room for reserveFor, if
	Limit float64 `json:"limit,omitempty"` // the load is not above this
	Move  bool    `json:"move,omitempty"`  // the match is about to be moved there

	Game    string `json:"game,omitempty"`    // whose rules it must have; "": any
	Version uint32 `json:"version,omitempty"` // of the rules that the match has, which its own must load; 0: any
}

type gotReserve struct {
	Status place.Status `json:"status"`
	Load   float64      `json:"load"`            // matches that run here, and those that room is kept for
	Unfit  bool         `json:"unfit,omitempty"` // refused for lack of the rules
}

const (
	reserveFor    = 2 * time.Second        // how long room is kept for a match
	reserveWithin = 500 * time.Millisecond // how long a node has to answer
)

// reserve asks nodes at once for room for a match. Who does not answer is out.
func (n *Node) reserve(ctx context.Context, what askReserve, asks []place.Ask) []place.Reservation {
	replies, _ := n.askRoom(ctx, "reserve", what, asks)
	return replies
}

// askRoom asks nodes at once, for room for a match ("reserve") or for its copy ("stand"), and says how many have not got the rules.
func (n *Node) askRoom(ctx context.Context, method string, what askReserve, asks []place.Ask) ([]place.Reservation, int32) {
	var unfit atomic.Int32
	ctx, cancel := context.WithTimeout(ctx, reserveWithin)
	defer cancel()
	replies := make([]place.Reservation, len(asks))
	var all sync.WaitGroup
	for i, a := range asks {
		all.Go(func() {
			in := what
			in.Hold, in.Limit = a.Hold, a.Limit
			got, err := ask[gotReserve](ctx, n, a.Node, method, in)
			if err != nil {
				got.Status = place.Refused
			}
			if errors.Is(err, admin.ErrUnreachable) {
				n.tickets.suspect(a.Node)
			}
			if got.Unfit {
				unfit.Add(1)
			}
			replies[i] = place.Reservation{Node: a.Node, Status: got.Status, Load: got.Load}
		})
	}
	all.Wait()
	return replies, unfit.Load()
}

// giveReserve tells the load, or keeps room for a match.
func (n *Node) giveReserve(_ context.Context, _ string, in askReserve) (got gotReserve, err error) {
	n.placing.Lock()
	defer n.placing.Unlock()
	n.lapseLocked()
	got.Load = float64(n.matches.count() + len(n.reserved))
	_, made := n.matches.made(in.Match)
	_, held := n.reserved[in.Match]
	extra, unfit := n.suits(in)
	got.Load += extra
	switch {
	case made || held:
		got.Status = place.Exists
	case unfit:
		got.Status, got.Unfit = place.Refused, true
	case n.closing.Load() || n.matches.count()+len(n.reserved) >= n.maxMatches():
		got.Status = place.Refused
	case in.Hold && got.Load > in.Limit:
		got.Status = place.Risen
	case in.Hold:
		got.Status = place.Held
		n.reserved[in.Match] = time.Now()
		got.Load++
	}
	return got, nil
}

// lapseLocked drops reservations that were not used in time. The caller holds placing.
func (n *Node) lapseLocked() {
	for id, at := range n.reserved {
		if time.Since(at) > reserveFor {
			delete(n.reserved, id)
		}
	}
}

// giveCreate hosts a match here, once for each id.
func (n *Node) giveCreate(ctx context.Context, _ string, in askCreate) (got gotCreate, err error) {
	if got, err = n.create(ctx, in); err == nil && in.Once {
		err = n.settle(in.Match)
	}
	return got, err
}

func (n *Node) create(ctx context.Context, in askCreate) (got gotCreate, err error) {
	got.URL = n.meta.URL
	def, err := n.game(in.Spec.Game)
	if err != nil {
		return got, err
	}
	n.placing.Lock()
	defer n.placing.Unlock()
	delete(n.reserved, in.Match)
	if made, ok := n.matches.made(in.Match); ok {
		if made != sum(in.Spec) && made != [sha256.Size]byte{} {
			return got, admin.ErrKeyReused
		}
		return got, nil
	}
	if over(ctx) || !n.intents.allows(in.Match, n.id) { // this node stood still meanwhile, and the match may have been made elsewhere
		return got, fmt.Errorf("%w: the match is to be made elsewhere by now", admin.ErrUnreachable)
	}
	switch r, ok := n.dir.Get(in.Match); { // somebody made it
	case !ok:
		_, err = n.hostLocked(def, in)
		return got, err
	case r.Live():
		return got, fmt.Errorf("%w: the match is just going to another node", admin.ErrUnreachable)
	case r.State == directory.Lost:
		return got, admin.ErrLost
	}
	return got, nil // and it is over
}
