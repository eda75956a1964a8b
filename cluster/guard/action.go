package guard

// ActionKind is the sort of an action.
type ActionKind uint8

const (
	// ActSend: send Message to Peer. A lost message is repeated by the guard where that matters.
	ActSend ActionKind = 1 + iota
	// ActRelease: output of entries up to Index may leave (loop.Match.Release). Owner.
	ActRelease
	// ActHold: nothing after the last released index may leave (loop.Match.Hold). Owner.
	ActHold
	// ActOwn: this node owns the match from now on: go on at Index+1 with the copy it holds (loop.Continue), with the
	// gate closed until the next ActRelease. Record is the new one.
	ActOwn
	// ActStop: this node no longer owns the match: stop it, without an event in the journal, and show players to
	// Record.Owner (loop.Match.Retire). Why says why. ActFollow comes next when this node is the new standby (the copy stays
	// good as it is), otherwise ActDrop.
	ActStop
	// ActFollow: this node follows the owner Peer as standby or learner: take its journal of tenure Index. It may keep its copy;
	// whoever throws it away calls Dropped.
	ActFollow
	// ActDrop: the copy of the match is not needed any more.
	ActDrop
	// ActFeed: (owner) journal of tenure Message.Epoch to Peer from now on. Message is its KindAt: its log is of tenure
	// Message.Tenure, Message.Index entries long, with state hash Message.Hash. Same tenure, or the same hash at
	// that index in our history: go on at Index+1. Otherwise send a snapshot first. Comes again after every loss, and may
	// come twice: one that repeats what is under way on the same connection is ignored.
	ActFeed
	// ActUnfeed: no more journal to Peer.
	ActUnfeed
	// ActNeed: the match needs a standby (Standby) and a witness (Witness): call Offer. Repeated until it is satisfied.
	ActNeed
	// ActPublish: Record has changed: put it into the directory, tell players of the new standby. Owner.
	ActPublish
	// ActMoveReady: Peer has caught up: announce it to clients, choose K and call MoveAt.
	ActMoveReady
	// ActFreeze: step no tick after Index (loop.Match.Freeze); call Frozen when that one is logged. Owner.
	ActFreeze
	// ActThaw: go on stepping, no tick was skipped (loop.Match.Thaw). Owner.
	ActThaw
	// ActMoveFailed: the move to Peer was given up; the match goes on here. After ActThaw if it was frozen.
	ActMoveFailed
	// ActFail: the match is lost by policy (the last one of three, LostAfter over): end it with 4000. Owner. A standby gets
	// ActDrop with Forsaken instead: it cannot know that the owner is dead.
	ActFail
	// ActWatch: Peers has changed: keep links to exactly those.
	ActWatch
)

// Why is the reason of an ActStop or ActDrop.
type Why uint8

const (
	Moved    Why = 1 + iota // planned: players follow to Record.Owner
	Deposed                 // the others went on without this node
	Conflict                // two owners of one epoch (policy Available): the smaller id goes on, this one stops
	Over                    // the match has ended
	Released                // no longer in the list, or no longer a candidate
	Forsaken                // a standby or witness that lost everybody for LostAfter
)

// Action is one thing to do for the driver, in the order of the slice. Which fields count is at the kind.
type Action struct {
	Kind             ActionKind
	Why              Why
	Standby, Witness bool
	Index            uint32
	Peer             string
	Message          Message
	Record           Record
}

// Need says why a match is not protected.
type Need uint8

const (
	NeedNothing  Need = iota // protected
	NeedStandby              // the owner is alone
	NeedCatchUp              // the standby does not count yet
	NeedWitness              // two nodes only, or the witness is lost
	NeedAnswer               // the standby is silent; a decision is under way
	NeedMajority             // two of three are lost: the match pauses
)

// Record is what the directory and the console learn about a match.
type Record struct {
	Epoch, Since            uint32
	Owner, Standby, Witness string
	Protected               bool // the owner may die now and the match goes on
	Unsafe                  bool // policy Available was used: two versions are possible
	Need                    Need // why it is not protected
}
