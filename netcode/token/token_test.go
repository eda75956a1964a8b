package token

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	now    = time.Unix(1_800_000_000, 0)
	later  = now.Add(time.Hour)
	player = Player{Match: "m-1", ID: "u/42", Name: "Zoë", Team: 2, Bot: true, Expiry: later}
	resume = Resume{Match: "m-1", ID: "u/42", Player: 7, Epoch: 3, Generation: 1 << 31, Expiry: later}
	guest  = Guest{ID: "g-1", Name: "", Expiry: later}
)

// checker verifies a token of one kind, whatever it says.
type checker func(k *Keyring, s string, at time.Time) error

var checkers = map[string]checker{
	"player": func(k *Keyring, s string, at time.Time) error { _, err := k.VerifyPlayer(s, at); return err },
	"resume": func(k *Keyring, s string, at time.Time) error { _, err := k.VerifyResume(s, at); return err },
	"guest":  func(k *Keyring, s string, at time.Time) error { _, err := k.VerifyGuest(s, at); return err },
}

// signed returns one token of each kind.
func signed(t testing.TB, k *Keyring) map[string]string {
	t.Helper()
	p, err1 := k.SignPlayer(player)
	r, err2 := k.SignResume(resume)
	g, err3 := k.SignGuest(guest)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"player": p, "resume": r, "guest": g}
}

func validID(t *rapid.T, what string) string {
	return rapid.StringMatching(`[!-~]{1,64}`).Draw(t, what)
}

// What was signed comes back, from any of the keys that are accepted.
func TestRoundTrip(t *testing.T) {
	old, fresh := GenerateKey(), GenerateKey()
	signer, verifier := newRing(t, old), newRing(t, fresh, old)
	rapid.Check(t, func(t *rapid.T) {
		expiry := now.Add(time.Duration(rapid.Int64Range(1, 1<<30).Draw(t, "expiry")) * time.Second)
		num := func(what string) uint32 { return rapid.Uint32().Draw(t, what) }
		p := Player{Match: validID(t, "match"), ID: validID(t, "id"), Name: CleanName(rapid.String().Draw(t, "name")), Team: num("team"),
			Bot: rapid.Bool().Draw(t, "bot"), Spectator: rapid.Bool().Draw(t, "spectator"), Expiry: expiry}
		s, err := signer.SignPlayer(p)
		if err != nil || len(s) > MaxSize {
			t.Fatalf("%d bytes, error %v", len(s), err)
		}
		if got, err := verifier.VerifyPlayer(s, now); err != nil || got != p {
			t.Fatalf("player %+v, error %v", got, err)
		}
		r := Resume{Match: p.Match, ID: p.ID, Player: num("player"), Epoch: num("epoch"), Generation: num("generation"), Expiry: expiry}
		if s, err = signer.SignResume(r); err != nil {
			t.Fatal(err)
		}
		if got, err := verifier.VerifyResume(s, now); err != nil || got != r {
			t.Fatalf("resume %+v, error %v", got, err)
		}
		g := Guest{ID: p.ID, Name: p.Name, Expiry: expiry}
		if s, err = signer.SignGuest(g); err != nil {
			t.Fatal(err)
		}
		if got, err := verifier.VerifyGuest(s, now); err != nil || got != g {
			t.Fatalf("guest %+v, error %v", got, err)
		}
	})
}

func TestExpiry(t *testing.T) {
	k := newRing(t, GenerateKey())
	for kind, s := range signed(t, k) {
		if err := checkers[kind](k, s, later.Add(-time.Nanosecond)); err != nil {
			t.Errorf("%s just before its expiry: %v", kind, err)
		}
		if err := checkers[kind](k, s, later); !errors.Is(err, ErrExpired) {
			t.Errorf("%s at its expiry: %v", kind, err)
		}
	}
	for _, at := range []time.Time{{}, time.Unix(0, 0), time.Unix(maxUnix+1, 0)} {
		if _, err := k.SignGuest(Guest{ID: "x", Expiry: at}); !errors.Is(err, ErrInvalid) {
			t.Errorf("a token that expires at %v can be signed", at)
		}
	}
}

// A token of one kind is no other, not even with its prefix changed.
func TestKindsAreApart(t *testing.T) {
	k := newRing(t, GenerateKey())
	tokens := signed(t, k)
	for is, s := range tokens {
		for want, check := range checkers {
			if is == want {
				continue
			}
			if err := check(k, s, now); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s as %s: %v", is, want, err)
			}
			if err := check(k, tokens[want][:4]+s[4:], now); !errors.Is(err, ErrSignature) {
				t.Errorf("%s with the prefix of %s: %v", is, want, err)
			}
		}
	}
}

// A change of any character, and any cut, is refused.
func TestTamperedIsRefused(t *testing.T) {
	k := newRing(t, GenerateKey())
	for kind, s := range signed(t, k) {
		for i := range s {
			for bit := range 8 {
				b := []byte(s)
				b[i] ^= 1 << bit
				if err := checkers[kind](k, string(b), now); !errors.Is(err, ErrSignature) && !errors.Is(err, ErrMalformed) {
					t.Fatalf("%s with bit %d of byte %d flipped: %v", kind, bit, i, err)
				}
			}
			if err := checkers[kind](k, s[:i], now); err == nil {
				t.Fatalf("%s cut to %d bytes is accepted", kind, i)
			}
		}
		for _, x := range []string{s + "A", s + "=", s + "\n", s + ".", " " + s, s[:20] + "\n" + s[20:], s + strings.Repeat("A", 100<<10)} {
			if err := checkers[kind](k, x, now); !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrSignature) {
				t.Errorf("%s with something added: %v", kind, err)
			}
		}
	}
}

func TestRotation(t *testing.T) {
	a, b, c := GenerateKey(), GenerateKey(), GenerateKey()
	s := signed(t, newRing(t, a))
	for kind, check := range checkers {
		if err := check(newRing(t, b, a), s[kind], now); err != nil {
			t.Errorf("%s: the old key is not accepted: %v", kind, err)
		}
		if err := check(newRing(t, b, c), s[kind], now); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: a key that was dropped: %v", kind, err)
		}
	}
	if err := checkers["player"](newRing(t, b), signed(t, newRing(t, b, a))["player"], now); err != nil {
		t.Errorf("the first key does not sign: %v", err)
	}
	for _, keys := range [][]Key{nil, {a, a}, {{}}} {
		if _, err := NewKeyring(keys); err == nil {
			t.Errorf("a keyring of %d bad keys", len(keys))
		}
	}
}

// Fields that a verifier would refuse are not signed, and a genuine signature does not make a payload well formed.
func TestFields(t *testing.T) {
	k := newRing(t, GenerateKey())
	long := strings.Repeat("x", MaxID+1)
	for _, p := range []Player{
		{Match: "", ID: "a", Expiry: later}, {Match: long, ID: "a", Expiry: later}, {Match: "m", ID: "a b", Expiry: later},
		{Match: "m", ID: "ü", Expiry: later}, {Match: "m", ID: "a", Name: strings.Repeat("n", MaxName+1), Expiry: later},
		{Match: "m", ID: "a", Name: "\x1b[31m", Expiry: later},
	} {
		if _, err := k.SignPlayer(p); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v can be signed", p)
		}
	}
	good := writer{}
	good.expiry(later)
	good.text("g")
	good.text("")
	for name, payload := range map[string]string{
		"empty":           "",
		"cut":             string(good.p[:len(good.p)-1]),
		"longer":          string(good.p) + "\x00",
		"long number":     string(good.p[:len(good.p)-1]) + "\x80\x00",
		"length too big":  string(good.p[:len(good.p)-1]) + "\x05ab",
		"space in the id": strings.Replace(string(good.p), "g", " ", 1),
	} {
		s, err := k.sign(kindGuest, writer{p: []byte(payload)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.VerifyGuest(s, now); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s, _ := k.sign(kindGuest, good); checkers["guest"](k, s, now) != nil {
		t.Error("the payload that the others are made of is refused")
	}
}

// FuzzVerify feeds strings, and payloads with a genuine signature, to every verifier. What is accepted must be exactly
// what would be signed.
func FuzzVerify(f *testing.F) {
	k := newRing(f, Key{1})
	for _, s := range signed(f, k) {
		f.Add(s)
		payload, _ := encoding.DecodeString(s[4:strings.LastIndexByte(s, '.')])
		f.Add(string(payload))
	}
	f.Add("o1p..")
	f.Add("o1g.AA.AA")
	f.Fuzz(func(t *testing.T, s string) {
		for _, kd := range kinds {
			verifyCanonical(t, k, s)
			if own, err := k.sign(kd, writer{p: []byte(s)}); err == nil {
				verifyCanonical(t, k, own)
			}
		}
	})
}

// verifyCanonical fails if s is accepted but is not what signing its content gives.
func verifyCanonical(t *testing.T, k *Keyring, s string) {
	if p, err := k.VerifyPlayer(s, now); err == nil {
		if again, err := k.SignPlayer(p); err != nil || again != s {
			t.Fatalf("%q is accepted, its content is signed as %q, %v", s, again, err)
		}
	}
	if r, err := k.VerifyResume(s, now); err == nil {
		if again, err := k.SignResume(r); err != nil || again != s {
			t.Fatalf("%q is accepted, its content is signed as %q, %v", s, again, err)
		}
	}
	if g, err := k.VerifyGuest(s, now); err == nil {
		if again, err := k.SignGuest(g); err != nil || again != s {
			t.Fatalf("%q is accepted, its content is signed as %q, %v", s, again, err)
		}
	}
}
