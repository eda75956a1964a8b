// Package directory says which node owns which match. Every node holds a copy of all records; the package keeps the
// copies equal but sends nothing itself.
//
// A record is written by the owner of its epoch alone, spread to every member at once in best-effort messages
// (Append, Messages, Parse, Apply) and repaired by digests in push/pull (Digest, Diff, Of, Apply). Records of a match are
// totally ordered (Newer), Apply keeps the greatest, so messages may be lost, doubled and come in any order. What a node
// does not have says nothing about others: no digest ever deletes a record.
//
// A record is a hint. Only a welcome of the owner proves that it owns a match; a wrong guess is answered "not mine" with
// the record of the node that was asked.
//
// # Ends
//
// A match ends with a tombstone: Ended, written by its owner, or Lost, written by everybody who sees its owner dead. A
// tombstone carries its age, so it is gone everywhere EndedFor or LostFor after it was made, however often it was copied.
// A live record that was hidden somewhere meanwhile does not revive: an owner that is shown a record of itself
// which it no longer knows answers with a new tombstone, and live records of an owner that has been dead or unknown for
// DropAfter are dropped and no longer taken.
//
// # Deaths
//
// The caller tells which owners are alive, suspect and dead; the directory decides what becomes of their records. A
// partition looks like many deaths, and the first of them are seen while a majority still seems to be there. So nothing
// is declared lost before no further death came for SettleAfter, and a death without majority takes back every declaration
// that is still waiting. When the partition heals, nodes come back one by one, and the first of them may make a majority: so
// that, and every return, begins the wait anew. A wrong declaration is not unsafe, but it ends a match: its owner finds it in lost of Apply.
// An owner whose trio voted while it was thought dead (see cluster/guard) may outbid it with the next epoch: a live
// record beats Lost of the same epoch.
//
// All methods of Directory may be called from any goroutine. Time is an argument; it must not run backwards by much.
package directory
