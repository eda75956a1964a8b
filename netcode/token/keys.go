package token

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// KeySize is the size of a cluster key in bytes.
const KeySize = 32

// Key is a cluster key. Nothing is signed with it directly.
type Key [KeySize]byte

// maxKeys bounds a secret file: every key costs one HMAC for a forged token.
const maxKeys = 16

// ErrKeys says that a secret file does not hold what it should. Its text never contains key material.
var ErrKeys = errors.New("token: bad secret file")

// GenerateKey returns a new random key.
func GenerateKey() Key {
	var k Key
	_, _ = rand.Read(k[:]) // never fails, see crypto/rand
	return k
}

// String hides the key from logs.
func (k Key) String() string { return "token.Key(hidden)" }

// GoString hides the key from logs.
func (k Key) GoString() string { return k.String() }

// Line returns the key as a line of a secret file.
func (k Key) Line() string { return base64.StdEncoding.EncodeToString(k[:]) + "\n" }

// ParseKeys reads a secret file: one key of 32 bytes in standard base64 per line, the first signs, all are accepted.
// White space and empty lines are ignored. There must be 1 to 16 different keys, none of them all zero.
func ParseKeys(file []byte) ([]Key, error) {
	var keys []Key
	for i, line := range bytes.Split(file, []byte("\n")) {
		line = bytes.Join(bytes.Fields(line), nil)
		if len(line) == 0 {
			continue
		}
		var k Key
		p, err := base64.StdEncoding.Strict().AppendDecode(nil, line)
		if err != nil || len(p) != KeySize {
			return nil, fmt.Errorf("%w: line %d is not the base64 of %d bytes", ErrKeys, i+1, KeySize)
		}
		copy(k[:], p)
		keys = append(keys, k)
	}
	if err := checkKeys(keys); err != nil {
		return nil, err
	}
	return keys, nil
}

func checkKeys(keys []Key) error {
	if len(keys) == 0 || len(keys) > maxKeys {
		return fmt.Errorf("%w: %d keys, want 1 to %d", ErrKeys, len(keys), maxKeys)
	}
	seen := map[Key]bool{{}: true} // the zero key is a mistake
	for i, k := range keys {
		if seen[k] {
			return fmt.Errorf("%w: key %d is zero or repeated", ErrKeys, i+1)
		}
		seen[k] = true
	}
	return nil
}

// LoadOrCreate reads the secret file at path; if there is none it makes one with a single new key, readable by its owner
// only, and its directory too. Two processes that start at once end up with the same key.
func LoadOrCreate(path string) ([]Key, error) {
	file, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if err = create(path); err == nil || errors.Is(err, os.ErrExist) {
			file, err = os.ReadFile(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("token: secret file: %w", err)
	}
	return ParseKeys(file)
}

// create makes the file with its whole content or not at all, and never replaces one: a finished temporary file is
// linked to its name.
func create(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".secret-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(GenerateKey().Line())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

// Derive returns the key of 32 bytes for another purpose than tokens, such as "gossip": what is learnt of one key says nothing
// about another (HKDF-SHA256, RFC 5869).
func (k Key) Derive(purpose string) []byte {
	b, _ := hkdf.Key(sha256.New, k[:], nil, "overtime v1 "+purpose, KeySize) // fails only for longer keys
	return b
}

// derive returns the key for one kind of token.
func derive(k Key, purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, k[:], nil, "overtime token v1 "+purpose, sha256.Size)
}
