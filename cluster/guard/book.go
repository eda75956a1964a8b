package guard

import "maps"

// Book is a node's tombstones: lists of matches that it had a part in. One per node; the zero Book is empty. Not safe for
// concurrent use.
type Book struct {
	tombs map[string]tomb
}

type tomb struct {
	list  List
	until int64 // ms
}

// MaxTombs bounds a Book; beyond it nothing more is remembered until Expire made room, which costs a sender a round trip.
const MaxTombs = 1 << 17

// Put remembers until the time given (ms) that the node had a part in match, up to list. Well past the match's end is
// right; ten minutes do. It says whether there was room.
func (b *Book) Put(match string, list List, until int64) bool {
	if b.tombs == nil {
		b.tombs = make(map[string]tomb)
	}
	old, known := b.tombs[match]
	if !known && len(b.tombs) >= MaxTombs {
		return false
	}
	if !known || list.Epoch >= old.list.Epoch {
		b.tombs[match] = tomb{list, until}
	}
	return true
}

// Tomb is what is remembered of match, for Join; the zero List for nothing.
func (b *Book) Tomb(match string) List { return b.tombs[match].list }

// Expire forgets what is due at now (ms).
func (b *Book) Expire(now int64) {
	maps.DeleteFunc(b.tombs, func(_ string, t tomb) bool { return t.until <= now })
}

// Len is how many matches are remembered.
func (b *Book) Len() int { return len(b.tombs) }

// Answer says what to send back for a message about a match that has no guard here (or for an enlist that there is no
// room for); false: nothing. Never a promise or a vote: no record, no vote.
func (b *Book) Answer(match string, m *Message) (Message, bool) {
	switch m.Kind {
	case KindEnded:
		return Message{Kind: KindTold, Epoch: m.Epoch}, true
	case KindEnlist, KindPrepare, KindPropose, KindAt, KindProbe, KindDecided:
	default:
		return Message{}, false
	}
	if l := b.Tomb(match); l.Epoch > m.Epoch {
		return Message{Kind: KindDecided, Epoch: l.Epoch, List: l}, true
	}
	return Message{Kind: KindRefuse, Epoch: m.Epoch}, true
}
