package guard

// Role is what a node is for a match.
type Role uint8

const (
	RoleNone    Role = iota // not a member: a tombstone
	RoleLearner             // a candidate, with or without a copy
	RoleWitness
	RoleStandby
	RoleOwner
	RoleHeir // named owner of an epoch, but its log does not reach the base yet
)

// Loss says how a link broke.
type Loss uint8

const (
	EOF     Loss = 1 + iota // the connection ended: most likely the process died
	Silence                 // nothing came for 300 ms
)

// Guard is one node's part in the ownership of one match. Not safe for concurrent use: one goroutine owns it.
type Guard struct{}

// Birth makes the guard of a match that is created on this node: epoch 1 is [Self], nothing logged. Actions: ActOwn is
// not among them (the match is being created already), ActPublish and ActNeed are.
func Birth(cfg Config, now int64) (*Guard, error) { return nil, nil }

// Join makes the guard of a node that is enlisted. Receive the enlist message next; tomb is what Book.Tomb says.
func Join(cfg Config, tomb List) (*Guard, error) { return nil, nil }

// Receive takes a message of a peer, whose id the link has proven.
func (g *Guard) Receive(now int64, from string, m *Message) {}

// Up says that there is a connection to peer.
func (g *Guard) Up(now int64, peer string) {}

// Down says that the connection to peer was lost, or could not be made (EOF for refused).
func (g *Guard) Down(now int64, peer string, why Loss) {}

// Tick does what is due at now.
func (g *Guard) Tick(now int64) {}

// Deadline is when Tick has something to do next, math.MaxInt64 for never.
func (g *Guard) Deadline() int64 { return 0 }

// Logged says that the owner's match has stepped and journaled entry index.
func (g *Guard) Logged(now int64, index uint32) {}

// Take says whether journal or a snapshot of from's tenure may be applied now. A query.
func (g *Guard) Take(from string, tenure uint32) bool { return false }

// Held says that this follower's copy is now that of the given tenure's log up to index, with this state hash: after
// records were applied, after a snapshot was swapped in, or after the copy was found to be part of that log.
func (g *Guard) Held(now int64, tenure, index uint32, hash uint64) {}

// Dropped says that this node no longer holds a copy.
func (g *Guard) Dropped(now int64) {}

// Offer answers ActNeed: nodes to adopt, "" for none. Also replaces a standby or witness as planned.
func (g *Guard) Offer(now int64, standby, witness string) {}

// Move starts moving the match to a node: it learns, then ActMoveReady or ActMoveFailed follows. False: not now.
func (g *Guard) Move(now int64, target string) bool { return false }

// MoveAt fixes the last tick here, in the future: ActFreeze follows.
func (g *Guard) MoveAt(now int64, k uint32) {}

// Frozen says that the match stands still after entry k.
func (g *Guard) Frozen(now int64, k uint32) {}

// CancelMove gives a move up, unless it was proposed already.
func (g *Guard) CancelMove(now int64) {}

// End says that the match is over and its end was released. Owner.
func (g *Guard) End(now int64) {}

// Ended says that the match is over, as the directory says.
func (g *Guard) Ended(now int64) {}

// Actions drains what is to be done; valid until the next call of a method.
func (g *Guard) Actions() []Action { return nil }

// Role is what this node is now, List the highest decided list it knows, Record what it would tell others.
func (g *Guard) Role() Role     { return 0 }
func (g *Guard) List() List     { return List{} }
func (g *Guard) Record() Record { return Record{} }

// Peers appends the nodes whose links matter now.
func (g *Guard) Peers(dst []string) []string { return dst }

// Done says whether this guard may be replaced by its tombstone.
func (g *Guard) Done(now int64) bool { return false }
