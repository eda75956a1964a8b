package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"sync/atomic"
	"time"
)

// kind is what a token is for. Its letter is in the token's text, its purpose in the key.
type kind struct {
	prefix  string
	purpose string
	index   int
}

var (
	kindPlayer = kind{"o1p.", "player", 0}
	kindResume = kind{"o1r.", "resume", 1}
	kindGuest  = kind{"o1g.", "guest", 2}
	kinds      = [...]kind{kindPlayer, kindResume, kindGuest}
)

// Keyring signs and verifies tokens. It is safe for all goroutines.
type Keyring struct {
	keys atomic.Pointer[[]derived] // by cluster key; what it points to never changes
}

// derived holds what is derived from one cluster key, by kind.
type derived [len(kinds)][]byte

// NewKeyring makes a keyring from cluster keys: 1 to 16 different ones, the first signs.
func NewKeyring(keys []Key) (*Keyring, error) {
	k := &Keyring{}
	if err := k.Replace(keys); err != nil {
		return nil, err
	}
	return k, nil
}

// Replace changes the cluster keys while the keyring is in use, which is how keys are rotated: first every node gets the new one
// behind the old, then in front of it, then the old one is dropped. Any goroutine may call it. After an error the keys are as
// they were.
func (k *Keyring) Replace(keys []Key) error {
	if err := checkKeys(keys); err != nil {
		return err
	}
	all := make([]derived, len(keys))
	for i, key := range keys {
		for _, kd := range kinds {
			d, err := derive(key, kd.purpose)
			if err != nil {
				return err
			}
			all[i][kd.index] = d
		}
	}
	k.keys.Store(&all)
	return nil
}

var encoding = base64.RawURLEncoding.Strict()

// sign returns the token of kind kd around the payload in w.
func (k *Keyring) sign(kd kind, w writer) (string, error) {
	if w.bad {
		return "", ErrInvalid
	}
	s := kd.prefix + encoding.EncodeToString(w.p)
	s += "." + encoding.EncodeToString(mac((*k.keys.Load())[0][kd.index], s))
	if len(s) > MaxSize {
		return "", ErrInvalid
	}
	return s, nil
}

// verify checks s up to its expiry and returns its payload. A key is tried after the other; whoever forges learns from
// the time only how many keys there are.
func (k *Keyring) verify(kd kind, s string, now time.Time) (*reader, error) {
	if len(s) > MaxSize || !strings.HasPrefix(s, kd.prefix) {
		return nil, ErrMalformed
	}
	dot := strings.LastIndexByte(s, '.')
	if dot < len(kd.prefix) {
		return nil, ErrMalformed
	}
	payload, err := encoding.DecodeString(s[len(kd.prefix):dot])
	if err != nil {
		return nil, ErrMalformed
	}
	sum, err := encoding.DecodeString(s[dot+1:])
	if err != nil || len(sum) != sha256.Size || strings.ContainsAny(s, "\r\n") { // the decoder skips line ends
		return nil, ErrMalformed
	}
	if !k.genuine(kd, s[:dot], sum) {
		return nil, ErrSignature
	}
	r := &reader{p: payload}
	r.expires = r.expiry()
	if r.bad {
		return nil, ErrMalformed
	}
	if !now.Before(r.expires) {
		return nil, ErrExpired
	}
	return r, nil
}

// genuine compares in constant time with what each key would have signed.
func (k *Keyring) genuine(kd kind, text string, sum []byte) bool {
	for _, key := range *k.keys.Load() {
		if hmac.Equal(mac(key[kd.index], text), sum) {
			return true
		}
	}
	return false
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
