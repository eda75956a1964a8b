package member

import (
	"bytes"
	"errors"
	"slices"

	"github.com/hashicorp/memberlist"
)

// SetKeys changes the gossip keys while running: the first encrypts, all are accepted. To rotate, give every node the
// new key as its last one, then as its first, then take the old one away; each step everywhere before the next.
//
// Keyring.RemoveKey moves keys inside a slice that receivers are reading, unless the key is the last. So keys are brought
// into an order first in which those to remove are last.
func (m *Members) SetKeys(keys [][]byte) error {
	if len(keys) == 0 {
		return errors.New("gossip needs a secret key")
	}
	for _, k := range keys {
		if err := memberlist.ValidateKey(k); err != nil {
			return err
		}
	}
	m.keyMu.Lock()
	defer m.keyMu.Unlock()
	wanted := func(k []byte) bool {
		return slices.ContainsFunc(keys, func(w []byte) bool { return bytes.Equal(w, k) })
	}
	had := slices.Clone(m.ring.GetKeys())
	if slices.ContainsFunc(had, func(k []byte) bool { return !wanted(k) }) {
		if err := m.dropKeys(had, keys[0], wanted); err != nil {
			return err
		}
	}
	for _, k := range keys {
		if err := m.ring.AddKey(bytes.Clone(k)); err != nil {
			return err
		}
	}
	return m.ring.UseKey(keys[0])
}

// dropKeys removes keys that are not wanted; first is the key to encrypt with. For a moment another wanted key encrypts,
// which all nodes accept.
func (m *Members) dropKeys(had [][]byte, first []byte, wanted func([]byte) bool) error {
	if err := m.ring.AddKey(bytes.Clone(first)); err != nil {
		return err
	}
	for _, k := range had {
		if wanted(k) && !bytes.Equal(k, first) {
			if err := m.ring.UseKey(k); err != nil { // moves it to the front
				return err
			}
		}
	}
	if err := m.ring.UseKey(first); err != nil {
		return err
	}
	for _, k := range slices.Backward(m.ring.GetKeys()) {
		if wanted(k) {
			return nil
		}
		if err := m.ring.RemoveKey(k); err != nil {
			return err
		}
	}
	return nil
}
