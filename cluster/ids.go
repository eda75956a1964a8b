package cluster

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
)

// newID returns an id that no other has: a letter for its kind and 80 random bits, fit for paths and file names.
func newID(kind string) string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return kind + strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// randomSeed stays below 2^53, so that a script that reads it as a floating-point number can give it back.
func randomSeed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:]) >> 11
}
