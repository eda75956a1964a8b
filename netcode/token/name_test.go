package token

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNames(t *testing.T) {
	for _, tt := range []struct{ in, clean string }{
		{"", ""},
		{"Ada", "Ada"},
		{"Zoë 日本", "Zoë 日本"},
		{"  a \t\r\n b  ", "a b"},
		{"a\u00a0b", "a b"},
		{"\x1b[31mred\x00\x7f", "[31mred"},
		{"abc\u202ecba", "abccba"},  // right-to-left override
		{"a\u200bb\u2028c", "ab c"}, // zero-width space, line separator
		{"bad\xffutf", "badutf"},    // not UTF-8
		{strings.Repeat("é", 20), strings.Repeat("é", 12)},
		{strings.Repeat("a", 23) + "é", strings.Repeat("a", 23)},
		{strings.Repeat("a", 24) + " b", strings.Repeat("a", 24)},
		{"<b>${jndi}", "<b>${jndi}"}, // whoever shows a name escapes it
	} {
		if got := CleanName(tt.in); got != tt.clean {
			t.Errorf("CleanName(%q) = %q, want %q", tt.in, got, tt.clean)
		}
		if got := ValidName(tt.in); got != (tt.in == tt.clean) {
			t.Errorf("ValidName(%q) = %v", tt.in, got)
		}
	}
	if ValidName("a\u00a0b") || ValidName(" a") || ValidName("a  b") {
		t.Error("spaces that look like others are valid")
	}
}

// A cleaned name is valid, and cleaning it again changes nothing; a valid one is left alone.
func TestCleanName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-c \x{202e}é\t]{0,30}`), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "s")
		c := CleanName(s)
		if !ValidName(c) || CleanName(c) != c {
			t.Fatalf("CleanName(%q) = %q, which is not clean", s, c)
		}
		if ValidName(s) && c != s {
			t.Fatalf("CleanName changed the valid name %q to %q", s, c)
		}
	})
}

func TestValidID(t *testing.T) {
	for s, want := range map[string]bool{"a": true, "!~": true, strings.Repeat("x", 64): true,
		"": false, strings.Repeat("x", 65): false, "a b": false, "é": false, "a\n": false, "\x7f": false} {
		if ValidID(s) != want {
			t.Errorf("ValidID(%q) is %v", s, !want)
		}
	}
}
