package guard

// flaw breaks one rule of the protocol, so that tests can show that it is needed. Nothing outside of tests sets one.
type flaw uint16

const (
	noVote flaw = 1 << iota // one vote decides
	noGate                  // players are answered before the standby has it
	noSeal                  // the owner goes on answering while it proposes

	noBase       // a standby stands with any log
	startsEarly  // a move does not wait for tick K, and starts with any log
	keepsOldLog  // a log of another tenure is taken for the owner's
	staleJacks   // acknowledgements of older epochs count
	forgetsVote  // a member forgets what it promised and voted
	ignoresVotes // a proposer ignores earlier votes
	actsEarly    // the owner acts on [O] before it is decided
)
