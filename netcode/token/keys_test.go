package token

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func newRing(t testing.TB, keys ...Key) *Keyring {
	t.Helper()
	r, err := NewKeyring(keys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestParseKeys(t *testing.T) {
	a, b := GenerateKey(), GenerateKey()
	la, lb := strings.TrimSpace(a.Line()), strings.TrimSpace(b.Line())
	for _, tt := range []struct {
		name, file string
		want       []Key // nil: an error
	}{
		{"one", la, []Key{a}},
		{"two, the first signs", la + "\n" + lb + "\n", []Key{a, b}},
		{"white space", "\r\n  " + la[:10] + " \t" + la[10:] + "\r\n\n" + lb + "  ", []Key{a, b}},
		{"empty", "\n \n", nil},
		{"short", la[:40], nil},
		{"31 bytes", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", nil},
		{"33 bytes", "AAAA" + la, nil},
		{"not base64", strings.Repeat("!", 44), nil},
		{"bits after the end", la[:42] + "B=", nil},
		{"twice the same", la + "\n" + la, nil},
		{"all zero", Key{}.Line(), nil},
		{"both on one line", la + lb, nil},
	} {
		got, err := ParseKeys([]byte(tt.file))
		if tt.want == nil {
			if !errors.Is(err, ErrKeys) {
				t.Errorf("%s: error %v, want ErrKeys", tt.name, err)
			} else if strings.Contains(err.Error(), la[:8]) {
				t.Errorf("%s: the error shows key material", tt.name)
			}
		} else if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %d keys, error %v", tt.name, len(got), err)
		}
	}
	many := ""
	for range maxKeys + 1 {
		many += GenerateKey().Line()
	}
	if _, err := ParseKeys([]byte(many)); !errors.Is(err, ErrKeys) {
		t.Errorf("%d keys are accepted", maxKeys+1)
	}
}

func TestKeyDoesNotPrint(t *testing.T) {
	k := GenerateKey()
	secret := strings.TrimSpace(k.Line())
	for _, f := range []string{"%v", "%s", "%+v", "%#v", "%q"} {
		s := fmt.Sprintf(f, k)
		if strings.Contains(s, secret) || strings.Contains(s, fmt.Sprint(k[0], k[1])) || !strings.Contains(s, "hidden") {
			t.Errorf("%s prints %s", f, s)
		}
	}
}

func TestLoadOrCreate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var wg sync.WaitGroup
	got := make([][]Key, 8)
	for i := range got { // processes that start at once
		wg.Go(func() {
			var err error
			if got[i], err = LoadOrCreate(filepath.Join(dir, "secret")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, k := range got {
		if len(k) != 1 || !slices.Equal(k, got[0]) {
			t.Fatal("not everybody has the same key")
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files are left, error %v", len(files), err)
	}
	info, err := files[0].Info()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreate(filepath.Join(dir, "secret")); !errors.Is(err, ErrKeys) {
		t.Errorf("a broken file: error %v, it must not be replaced", err)
	}
}
