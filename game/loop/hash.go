package loop

import "github.com/cespare/xxhash/v2"

// StateHash is the 64-bit state hash of saved bytes: what [Core.Hash] returns for those of [Core.Save]. It lets a holder of
// bytes alone prove them.
func StateHash(state []byte) uint64 { return xxhash.Sum64(state) }
