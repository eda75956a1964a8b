package member

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	anyID   = rapid.StringMatching(`[!-~]{1,64}`)
	anyText = rapid.StringMatching(`[ -~]{0,60}`)
	anyLoad = rapid.Custom(func(t *rapid.T) Load {
		n := rapid.IntRange(0, 1<<31-1)
		return Load{Matches: n.Draw(t, "matches"), Players: n.Draw(t, "players"), FreeMatches: n.Draw(t, "free"), FreePlayers: n.Draw(t, "seats"),
			TickP99: time.Duration(n.Draw(t, "p99")) * time.Microsecond, Draining: rapid.Bool().Draw(t, "drains")}
	})
)

func TestMetaSurvivesEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Meta{Wire: rapid.Byte().Draw(t, "wire"), Build: anyText.Draw(t, "build"), Region: anyText.Draw(t, "region"), Link: anyText.Draw(t, "link"),
			URL: anyText.Draw(t, "url"), Player: anyText.Draw(t, "player")}
		copy(m.Cert[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "cert"))
		b, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodeMeta(append(b, "from a later version"...)); err != nil || got != m {
			t.Fatalf("%+v became %+v, %v", m, got, err)
		}
		if _, err := decodeMeta(b[:len(b)-1]); err == nil {
			t.Fatal("a cut meta was read")
		}
	})
	for _, bad := range []Meta{{URL: strings.Repeat("u", 256)}, {Region: "\x00"}, {Build: "ü"},
		{URL: strings.Repeat("u", 250), Link: strings.Repeat("l", 250)}} {
		if _, err := bad.encode(); err == nil {
			t.Errorf("%+v was encoded", bad)
		}
	}
}

func TestLoadSurvivesEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := anyLoad.Draw(t, "load")
		got, rest, err := parseLoad(append(appendLoad(nil, l), 9))
		if err != nil || got != l || len(rest) != 1 {
			t.Fatalf("%+v became %+v, %v", l, got, err)
		}
	})
	got, _, err := parseLoad(appendLoad(nil, Load{Matches: -1, Players: 1 << 40, TickP99: time.Nanosecond}))
	if err != nil || got != (Load{Players: 1<<31 - 1}) {
		t.Errorf("clamped to %+v, %v", got, err)
	}
}

func TestEnvelopeSurvivesEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := envelope{kind: byte(rapid.IntRange(kindLoad, kindGossip).Draw(t, "kind")), from: anyID.Draw(t, "from"), seq: rapid.Uint64().Draw(t, "seq"),
			name: rapid.StringMatching(`[ -~]{0,48}`).Draw(t, "name"), body: rapid.SliceOfN(rapid.Byte(), 0, MaxMessage).Draw(t, "body")}
		got, err := parseEnvelope(e.append(nil))
		if err != nil || got.kind != e.kind || got.from != e.from || got.seq != e.seq || got.name != e.name || !bytes.Equal(got.body, e.body) {
			t.Fatalf("%+v became %+v, %v", e, got, err)
		}
	})
}

func TestSyncSurvivesEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := syncState{
			loads: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) nodeLoad {
				return nodeLoad{anyID.Draw(t, "id"), rapid.Uint64().Draw(t, "seq"), anyLoad.Draw(t, "load")}
			}), 0, 20).Draw(t, "loads"),
			left: rapid.SliceOfN(anyID, 0, 20).Draw(t, "left"),
			body: rapid.SliceOf(rapid.Byte()).Draw(t, "body"),
		}
		got, err := parseSync(s.append(nil))
		if err != nil || len(got.loads) != len(s.loads) || len(got.left) != len(s.left) || !bytes.Equal(got.body, s.body) {
			t.Fatalf("%+v became %+v, %v", s, got, err)
		}
		if len(s.loads) > 0 && !reflect.DeepEqual(got.loads, s.loads) || len(s.left) > 0 && !reflect.DeepEqual(got.left, s.left) {
			t.Fatalf("%+v became %+v", s, got)
		}
	})
}

// Whatever arrives, parsing neither panics nor accepts what it would not write again.
func FuzzMeta(f *testing.F) {
	good, _ := (&Meta{Wire: 1, Build: "v1", Region: "eu", Link: "10.0.0.1:7947", URL: "wss://a/v1/play", Player: "10.0.0.1:80"}).encode()
	f.Add(good)
	f.Add(good[:40])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeMeta(b)
		if err != nil {
			return
		}
		again, err := m.encode()
		if err != nil || !bytes.HasPrefix(b, again) {
			t.Fatalf("%x became %+v and %x, %v", b, m, again, err)
		}
	})
}

func FuzzEnvelope(f *testing.F) {
	for _, e := range []envelope{{kindLoad, "n1", 1, "", appendLoad(nil, Load{Players: 3})}, {kindLeft, "n1", 0, "", nil},
		{kindDirect, "n1", 7, "", []byte("body")}, {kindGossip, "n1", 8, "name", []byte("body")}} {
		f.Add(e.append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseEnvelope(b)
		if err != nil {
			return
		}
		if !bytes.Equal(e.append(nil), b) {
			t.Fatalf("%x became %+v", b, e)
		}
		if l, rest, err := parseLoad(e.body); err == nil && !bytes.Equal(append(appendLoad(nil, l), rest...), e.body) {
			t.Fatalf("%x became %+v", e.body, l)
		}
	})
}

func FuzzSync(f *testing.F) {
	s := syncState{loads: []nodeLoad{{"n1", 5, Load{Matches: 1}}, {"n2", 6, Load{Draining: true}}}, left: []string{"n3"}, body: []byte("digest")}
	f.Add(s.append(nil))
	f.Add((&syncState{}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := parseSync(b); err == nil && !bytes.Equal(s.append(nil), b) {
			t.Fatalf("%x became %+v", b, s)
		}
	})
}
