package guard

// Kind is the sort of a message between guards of one match.
type Kind uint8

// Every message carries the match and the epoch in which it is spoken.
const (
	KindEnlist   Kind = 1 + iota // owner -> candidate: {List} of the sender's epoch, Learn: wants a copy of the match as well
	KindEnlisted                 // candidate -> owner
	KindPrepare                  // proposer -> members: {List, Ballot, Suspect}
	KindPromise                  // member -> proposer: {Ballot, Voted, Value}: the highest ballot it voted in, and for what
	KindPropose                  // proposer -> members: {List, Ballot, Suspect, Value}
	KindVote                     // member -> proposer: {Ballot}
	KindNack                     // member -> proposer: {Ballot: the one refused, Voted: promised higher}
	KindDecided                  // anybody -> anybody: {List}, the highest list that the sender knows
	KindTold                     // answer to decided: the sender knows this epoch
	KindAt                       // follower -> owner: {Tenure, Index, Hash} of its log; wants the journal from there
	KindJack                     // follower -> owner: {Index}: holds the owner's log up to index, in this epoch
	KindProbe                    // witness -> owner: are you there?
	KindAlive                    // owner -> witness
	KindDismiss                  // owner -> candidate: no longer needed
	KindEnded                    // owner -> members: the match is over
	KindRefuse                   // anybody: knows no such match (Book)
	kindEnd
)

// Message is what one guard says to another. Which fields a kind uses is at its constant; the others are zero.
// Comparable.
type Message struct {
	Kind    Kind
	Learn   bool   // enlist
	Suspect bool   // prepare, propose: the standby's reason is silence, not EOF
	Epoch   uint32 // equal to List.Epoch where there is a list
	Ballot  uint32
	Voted   uint32
	Index   uint32
	Tenure  uint32
	Hash    uint64
	List    List
	Value   Value
}
