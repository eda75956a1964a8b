package cluster

import "time"

// placeHold is how long a seat is spoken for between the answer to quickplay and the player's joining.
const placeHold = 5 * time.Second

// places estimates the free seats of a match: those taken, and those promised to players who are still on their way. It
// is pure; its owner locks.
type places struct {
	seats    int
	taken    int // when last looked
	promised []promise
}

// promise is a seat that quickplay gave away, oldest first.
type promise struct {
	player string
	at     time.Time
}

// free returns the number of seats left, given how many are taken now. Whoever took a seat since the last look is counted as the one
// who was promised his the longest ago; promises not kept in time lapse.
func (p *places) free(taken int, now time.Time) int {
	if joined := taken - p.taken; joined > 0 {
		p.promised = p.promised[min(joined, len(p.promised)):]
	}
	p.taken = taken
	for len(p.promised) > 0 && now.Sub(p.promised[0].at) >= placeHold {
		p.promised = p.promised[1:]
	}
	return p.seats - taken - len(p.promised)
}

// promise keeps a seat for a player. A player holds one promise at a time.
func (p *places) promise(player string, now time.Time) {
	kept := p.promised[:0:0]
	for _, x := range p.promised {
		if x.player != player {
			kept = append(kept, x)
		}
	}
	p.promised = append(kept, promise{player, now})
}
