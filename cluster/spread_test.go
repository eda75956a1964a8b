package cluster

import (
	"bytes"
	"testing"
)

// Whatever a node sends in push/pull, the goroutine of membership survives it.
func TestMergeTakesAnything(t *testing.T) {
	n := startNode(t, nil)
	for size := range 600 {
		for _, first := range []byte{0, 1, 17, 64, 128, 254, 255} {
			b := bytes.Repeat([]byte{'n'}, size)
			if size > 0 {
				b[0] = first
			}
			n.merge(b, false)
			n.heard("n1", b)
		}
	}
	n.merge(n.pushPull(false), false)
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.pulls) != 0 {
		t.Errorf("a node would pull %v from itself", n.pulls)
	}
}
