package guard

import "slices"

// Role is what a node is for a match.
type Role uint8

const (
	RoleNone    Role = iota // not a member: a tombstone
	RoleLearner             // a candidate, with or without a copy
	RoleWitness
	RoleStandby
	RoleOwner
	RoleHeir // named owner of an epoch, but its log does not reach the base: it never starts (the standby is told)
)

// Guard is one node's part in the ownership of one match. Not safe for concurrent use: one goroutine owns it.
type Guard struct {
	cfg  Config
	flaw flaw // always zero outside of this package's tests

	// The record: what this node knows and promised. Forgetting it would break safety.
	list            List
	promised, voted uint32 // highest ballot promised, highest voted in, of this epoch
	vote            Value  // what it voted for
	mute            bool   // votes of this epoch were forgotten with a tombstone: cast none

	// The copy of the match: the log of a tenure (0: none) up to index.
	tenure, index uint32
	hash          uint64

	// As owner.
	owning   bool   // has started; never true without being list.Owner
	sealed   bool   // proposed a value of its own in this epoch: releases nothing more in it
	rival    bool   // the standby asks in this epoch: it acknowledges nothing more in it
	stalled  bool   // the standby acknowledged nothing for too long
	unsafe   bool   // went on by policy, without a vote
	counts   bool   // the standby holds the base and acknowledged in this epoch
	jack     uint32 // highest index acknowledged by the standby in this epoch
	released uint32 // highest index that players may have seen, in this tenure
	newS     candidate
	newW     candidate
	move     move
	fed      []string // peers that get the journal
	askedS   bool     // ActNeed was said
	askedW   bool

	// As standby or learner.
	learner bool   // a candidate of list.Owner
	copies  bool   // this candidate wants a copy
	frozen  bool   // asked in this epoch: acknowledges and takes nothing more in it
	suspect bool   // the owner has been silent for long enough
	jacked  uint32 // highest index acknowledged in this epoch
	patron  string // owner and tenure that ActFollow named last
	follows uint32

	// As proposer, as witness with a request to answer later, as bearer of news.
	prop    proposal
	request request
	news    []news

	// The end.
	over  bool // takes no more part
	ended bool // since the match is over

	// Surroundings.
	peers   []peer
	watched []string
	dirty   bool // Peers may have changed
	timers  [timerCount]int64
	rng     uint64
	said    Record
	out     []Action
}

// Birth makes the guard of a match that is created on this node: epoch 1 is [Self], nothing logged. The actions say
// ActPublish and ActNeed, but not ActOwn: the match is being created already.
func Birth(cfg Config, now int64) (*Guard, error) {
	g, err := newGuard(cfg)
	if err != nil {
		return nil, err
	}
	g.list = List{Epoch: 1, Since: 1, Owner: g.cfg.Self}
	g.tenure, g.owning, g.dirty = 1, true, true
	g.settle(now)
	return g, nil
}

// Join makes the guard of a node that is enlisted. Receive the enlist message next; tomb is what Book.Tomb says.
func Join(cfg Config, tomb List) (*Guard, error) {
	g, err := newGuard(cfg)
	if err != nil {
		return nil, err
	}
	g.list, g.mute = tomb, true
	return g, nil
}

func newGuard(cfg Config) (*Guard, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	g := &Guard{cfg: cfg, rng: cfg.Seed | 1}
	for i := range g.timers {
		g.timers[i] = never
	}
	return g, nil
}

// Actions drains what is to be done, in order; valid until the next call of another method.
func (g *Guard) Actions() []Action {
	out := g.out
	g.out = g.out[:0]
	return out
}

// Role is what this node is now.
func (g *Guard) Role() Role {
	switch seat := g.list.seat(g.cfg.Self); {
	case g.over:
		return RoleNone
	case seat == 0 && g.owning:
		return RoleOwner
	case seat == 0:
		return RoleHeir
	case seat == 1:
		return RoleStandby
	case seat == 2:
		return RoleWitness
	case g.learner:
		return RoleLearner
	}
	return RoleNone
}

// List is the highest decided list that this node knows: a hint about who owns the match.
func (g *Guard) List() List { return g.list }

// Peers appends the nodes whose links matter now.
func (g *Guard) Peers(dst []string) []string {
	from := len(dst)
	add := func(id string) {
		if id != "" && id != g.cfg.Self && !slices.Contains(dst[from:], id) {
			dst = append(dst, id)
		}
	}
	if !g.over && (g.list.Has(g.cfg.Self) || g.learner) {
		add(g.list.Owner)
		add(g.list.Standby)
		add(g.list.Witness)
		add(g.newS.id)
		add(g.newW.id)
	}
	for _, n := range g.news {
		add(n.id)
	}
	return dst
}

// settle draws the conclusions after every input.
func (g *Guard) settle(now int64) {
	for range 4 { // a decision made alone may lead to the next
		e := g.list.Epoch
		g.tendCandidates(now)
		g.tendMove(now)
		g.suspectOwner(now)
		g.pursue(now)
		if g.list.Epoch == e {
			break
		}
	}
	g.seek(now)
	g.judge(now)
	g.publish()
	g.watch(now)
}

func (g *Guard) do(a Action) { g.out = append(g.out, a) }

func (g *Guard) send(to string, m Message) {
	if to == "" || to == g.cfg.Self {
		return
	}
	if m.Epoch == 0 {
		m.Epoch = g.list.Epoch
	}
	g.out = append(g.out, Action{Kind: ActSend, Peer: to, Message: m})
}

// sendMembers sends to the other members, except those that done has the bit of their seat for.
func (g *Guard) sendMembers(m Message, done uint8) {
	for i, id := range g.list.members() {
		if done>>i&1 == 0 {
			g.send(id, m)
		}
	}
}
