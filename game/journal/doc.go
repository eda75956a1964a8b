// Package journal writes down everything that a match saw (seed, events, inputs, a hash of the state after every tick, and now
// and then a checkpoint of the whole state) and reads it back. One format serves panic isolation, recordings and replay;
// later a standby and migration.
package journal
