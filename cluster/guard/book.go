package guard

// Book is a node's tombstones: lists of matches that it had a part in. One per node, not safe for concurrent use.
type Book struct{}

// Put remembers that the node had a part in match, up to list, until the time given.
func (b *Book) Put(match string, list List, until int64) {}

// Tomb is what is remembered of match; the zero List for nothing.
func (b *Book) Tomb(match string) List { return List{} }

// Answer says what to send back for a message about a match that has no guard here; false: nothing.
func (b *Book) Answer(match string, m *Message) (Message, bool) { return Message{}, false }

// Expire forgets what is due.
func (b *Book) Expire(now int64) {}
