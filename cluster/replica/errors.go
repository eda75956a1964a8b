package replica

import "errors"

// Errors of Source.Receive and of the Standby's methods. Those about one message leave everything as it was.
var (
	ErrMatch    = errors.New("message of another match")
	ErrKind     = errors.New("message is not for this side")
	ErrPeer     = errors.New("not a receiver of this match")
	ErrEpoch    = errors.New("message of another epoch") // of a zombie, or the Begin of that epoch has not come yet
	ErrFrozen   = errors.New("standby is frozen")
	ErrSpent    = errors.New("standby was promoted")
	ErrEmpty    = errors.New("standby holds no state")
	ErrGame     = errors.New("this node does not have the rules of the match")
	ErrGap      = errors.New("message does not follow the last tick")
	ErrFork     = errors.New("message is for another state than the standby's")
	ErrSnapshot = errors.New("snapshot is not usable")
	ErrRules    = errors.New("rules failed on a standby")
	ErrRefused  = errors.New("receiver cannot carry the match")
)
