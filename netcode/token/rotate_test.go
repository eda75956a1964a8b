package token

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// Keys are rotated in three steps, each node at its own time; no token that one signs is refused by another on the way.
func TestRotationWithoutGap(t *testing.T) {
	now := time.Unix(1000, 0)
	before, after := GenerateKey(), GenerateKey()
	steps := [][]Key{{before}, {before, after}, {after, before}, {after}}
	player := Player{Match: "m", ID: "p", Expiry: now.Add(time.Hour)}
	for i := 1; i < len(steps); i++ {
		early, late := ring(t, steps[i-1]), ring(t, steps[i-1])
		if err := early.Replace(steps[i]); err != nil {
			t.Fatal(err)
		}
		for _, pair := range [][2]*Keyring{{early, late}, {late, early}} {
			s, err := pair[0].SignPlayer(player)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := pair[1].VerifyPlayer(s, now); err != nil {
				t.Errorf("step %d: %v", i, err)
			}
		}
	}
	old, _ := ring(t, steps[0]).SignPlayer(player)
	if _, err := ring(t, steps[3]).VerifyPlayer(old, now); !errors.Is(err, ErrSignature) {
		t.Errorf("a token of the dropped key: %v", err)
	}
}

func TestReplaceKeepsTheKeysAfterAnError(t *testing.T) {
	k := GenerateKey()
	r := ring(t, []Key{k})
	if r.Replace(nil) == nil || r.Replace([]Key{k, k}) == nil {
		t.Fatal("took a list of keys that NewKeyring refuses")
	}
	s, err := r.SignGuest(Guest{ID: "g", Expiry: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.VerifyGuest(s, time.Unix(0, 0)); err != nil {
		t.Error(err)
	}
}

func TestDerive(t *testing.T) {
	k := GenerateKey()
	a, b := k.Derive("gossip"), k.Derive("other")
	if len(a) != KeySize || bytes.Equal(a, b) || !bytes.Equal(a, k.Derive("gossip")) || bytes.Equal(a, k[:]) {
		t.Error("derived keys are not what they should be")
	}
}

func ring(t *testing.T, keys []Key) *Keyring {
	t.Helper()
	r, err := NewKeyring(keys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
