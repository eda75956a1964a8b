//go:build race

package netcode

// raceDetector says that the race detector slows this test down several times.
const raceDetector = true
