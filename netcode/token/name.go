package token

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds in bytes.
const (
	MaxName = 24
	MaxID   = 64
)

// ValidID says whether s may be the id of a match or a player: 1 to 64 bytes of printable ASCII without spaces.
func ValidID(s string) bool {
	if len(s) == 0 || len(s) > MaxID {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// ValidName says whether s may be a player's name: at most 24 bytes of UTF-8, nothing invisible that changes how text
// around it looks (controls, direction marks, line separators), no white space but single spaces between words. It may
// be empty.
func ValidName(s string) bool { return len(s) <= MaxName && CleanName(s) == s }

// CleanName makes a valid name of anything: what a name must not hold is dropped, runs of white space become one space,
// and it is cut to 24 bytes at a rune.
func CleanName(s string) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = b.Len() > 0
			continue
		}
		if hidden(r) || r == utf8.RuneError {
			continue
		}
		n := utf8.RuneLen(r)
		if space {
			n++
		}
		if b.Len()+n > MaxName {
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// hidden: controls (Cc), formats (Cf: direction marks, zero-width), private use, surrogates, what is not assigned.
func hidden(r rune) bool { return !unicode.IsPrint(r) }
