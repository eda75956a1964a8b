// Package loop runs matches: it owns time, players and inputs, so that a game's rules own only their world.
//
// [Core] is the pure part: a match as a function from one journal record to the next state, in integer ticks, with no clock and no
// goroutine. [Match] is the thin goroutine around one Core: it schedules ticks from their intended time, takes what
// connections left in its inbox, turns it into a record, applies the record and hands the outcome to a [Sink].
//
// # Life of a match
//
// waiting (nobody has taken a seat yet), running (the rules are stepped), ended (a round has a result). After the pause that
// the configuration sets, the next round starts with the same players, or the match is over. The first Step of every
// round sees an EventJoin for everybody present. While no round runs, the rules are not stepped: commands, samples and admin
// events of that time are answered and have no effect.
//
// # Inputs
//
// A sample names the tick it is meant for and waits for it in a buffer. One that comes after its tick is applied at the next one, never later than 250 ms.
// Every tick earns a player one credit (at most 8 are kept) and every sample costs one; at most two are consumed in one
// tick, and two are merged into one tick's worth of time, so that nobody buys more simulated time than wall time. When none is there, the last one is repeated for 8 ticks, then
// the controls are neutral. Each sample is answered: applied, merged, late or refused; the row of kind "overtime.ack" says up to which.
//
// # A standby
//
// With a [Replica] every record is handed out before anything of its tick leaves, and what leaves waits for [Match.Release]: nobody is
// shown a tick, an answer, a message or an end that a successor would not know. Ticks never wait. A frame that its successor
// overtakes goes to the sink as Shed, so the answer of a standby must take less than a tick, or players see nothing; its owner then
// drops it and releases [Solo]. A standby applies the same records to a Core of its own, and [Continue] makes a match of it: players,
// tokens, samples, commands and messages go on exactly once. [Match.Freeze], [Match.Thaw] and [Match.Retire] hand a match over
// between two ticks.
package loop
