package client

import (
	"testing"

	"github.com/overtime-server/overtime/netcode/delta"
	"github.com/overtime-server/overtime/schema"
	"github.com/overtime-server/overtime/schema/wire"
)

var delta0 delta.Options

// flipHash changes the view hash of a frame.
func flipHash(t *testing.T, b []byte) []byte {
	m, err := schema.VerifyServer(b)
	if err != nil {
		t.Fatal(err)
	}
	var h wire.Head
	m.Head(&h).MutateCheck(h.Check() ^ 1)
	return b
}
