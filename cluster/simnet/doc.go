// Package simnet is a network in memory for tests: hosts with packets and streams between them, and everything that goes
// wrong on real ones (latency, loss, one-way cuts, partitions, killed, stopped and lost hosts). Real memberlist and real
// connections run on it.
//
// It is made for testing/synctest: all waiting is by timers and channels, so that in a bubble minutes pass in
// milliseconds. What happens to the n-th packet of a link is a function of the seed; what the program under test sends
// first is not, so a seed does not replay a run packet by packet. [Net.Schedule] prints what was done to the network.
//
// Differences from real networks: no bandwidth, no packet is duplicated, damaged or too big; a stream's loss shows as
// delay, as with TCP. A stopped host ([Host.Pause]) keeps its timers, but everything it would send or read waits until
// it goes on.
package simnet
