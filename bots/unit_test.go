package bots

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/schema"
)

// TestHistogram compares quantiles with those of the sorted values: they agree within the width of a bucket.
func TestHistogram(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		us := rapid.SliceOfN(rapid.Int64Range(0, 1<<rapid.IntRange(1, 36).Draw(t, "bits")), 1, 500).Draw(t, "values")
		h := new(histogram)
		for _, v := range us {
			h.add(time.Duration(v) * time.Microsecond)
		}
		slices.Sort(us)
		got, most := h.quantiles(0, 0.5, 0.99, 1)
		for i, share := range []float64{0, 0.5, 0.99, 1} {
			at := min(int(share*float64(len(us))), len(us)-1)
			want := float64(us[at]) / 1000
			if d := got[i] - want; d > want/32+0.001 || d < -want/32-0.001 {
				t.Fatalf("quantile %g: %g ms, want %g", share, got[i], want)
			}
		}
		if want := float64(us[len(us)-1]) / 1000; most != want {
			t.Fatalf("most: %g ms, want %g", most, want)
		}
		h.reset()
		if got, most := h.quantiles(0.5); got[0] != 0 || most != 0 {
			t.Fatal("not empty after reset")
		}
	})
}

// TestBuckets: buckets follow each other without holes and a bucket holds its middle.
func TestBuckets(t *testing.T) {
	last := 0
	for v := uint64(0); v < 1<<20; v++ {
		b := bucket(v)
		if b < last || b > last+1 {
			t.Fatalf("%d is in bucket %d, the one before in %d", v, b, last)
		}
		last = b
	}
	for i := range len(new(histogram).counts) {
		if m := middle(i); m < 1<<36 && bucket(uint64(m)) != i {
			t.Fatalf("bucket %d has middle %g, which is in bucket %d", i, m, bucket(uint64(m)))
		}
	}
	if n := len(new(histogram).counts); bucket(1<<63) >= n {
		t.Fatalf("the largest value is in bucket %d of %d", bucket(1<<63), n)
	}
}

// TestReportJSON holds the names that others rely on.
func TestReportJSON(t *testing.T) {
	var b bytes.Buffer
	r := Report{Closes: Closes{4013: 2, 1006: 1}}
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	const want = `{"matches":0,"players":0,"seconds":0,"frames_per_player_s":0,"wire_bytes_per_player_s":0,"inputs_sent":0,"inputs_answered":0,` +
		`"inputs_lost":0,"seats_lost":0,"gap_ms":{"p50":0,"p99":0,"p999":0,"max":0},"ack_ms":{"p50":0,"p99":0,"max":0},"hash_checks":0,` +
		`"hash_mismatches":0,"decode_errors":0,"joins_failed":0,"reconnects":0,"moves":0,"closes":{"1006":1,"4013":2},` +
		`"activity":{"moving":0,"turning":0,"shots_per_player_s":0,"changed_rows_per_tick":0},"join_ms":{"p50":0,"p99":0,"max":0},"join_moves_most":0}` + "\n"
	if b.String() != want {
		t.Errorf("got  %swant %s", &b, want)
	}
	if strings.Count(b.String(), "\n") != 1 || !json.Valid(b.Bytes()) {
		t.Error("not one line of JSON")
	}
}

// TestReportTable: the verdict follows OK, and each thing that may be wrong makes it so.
func TestReportTable(t *testing.T) {
	good := Report{Players: 3, FramesPerPlayerS: 30}
	for name, c := range map[string]struct {
		r    Report
		fine bool
	}{
		"good":       {good, true},
		"lost input": {Report{FramesPerPlayerS: 30, InputsLost: 1}, false},
		"lost seat":  {Report{FramesPerPlayerS: 30, SeatsLost: 1}, false},
		"mismatch":   {Report{FramesPerPlayerS: 30, HashMismatches: 1}, false},
		"decode":     {Report{FramesPerPlayerS: 30, DecodeErrors: 1}, false},
		"join":       {Report{FramesPerPlayerS: 30, JoinsFailed: 1}, false},
		"silence":    {Report{}, false},
	} {
		var b bytes.Buffer
		if err := c.r.WriteTable(&b); err != nil {
			t.Fatal(err)
		}
		if c.r.OK() != c.fine || strings.Contains(b.String(), "WRONG") == c.fine {
			t.Errorf("%s: OK is %v, the table says\n%s", name, c.r.OK(), &b)
		}
	}
	if s := (Closes{4013: 2, 1006: 1}).String(); s != "1006: 1, 4013: 2" {
		t.Errorf("closes: %s", s)
	}
}

// TestAddresses: every address flag takes HOST:PORT or a URL.
func TestAddresses(t *testing.T) {
	for in, want := range map[string][2]string{
		"127.0.0.1:8080":              {"http://127.0.0.1:8080", "ws://127.0.0.1:8080/v1/play"},
		"http://a:1/":                 {"http://a:1", "ws://a:1/v1/play"},
		"https://a/x":                 {"https://a", "wss://a/x"},
		"ws://[::1]:8080/v1/play":     {"http://[::1]:8080", "ws://[::1]:8080/v1/play"},
		"wss://play.example/v1/other": {"https://play.example", "wss://play.example/v1/other"},
	} {
		base, err := baseURL(in)
		play, err2 := playURL(in)
		if err != nil || err2 != nil || base != want[0] || play != want[1] {
			t.Errorf("%s: %s, %s, %v, %v", in, base, play, err, err2)
		}
	}
	for _, in := range []string{"", "ftp://a", "http://", "a b:%"} {
		if base, err := baseURL(in); err == nil {
			t.Errorf("%q was taken for %s", in, base)
		}
	}
}

func TestConfig(t *testing.T) {
	good := Config{Target: "a:1", Admin: "a:2", Matches: 1, Players: 2, Duration: time.Second, Game: "g", Games: map[string]game.Def{"g": {}}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Config){
		"target": func(c *Config) { c.Target = "" }, "admin": func(c *Config) { c.Admin = "ftp://x" }, "matches": func(c *Config) { c.Matches = 0 },
		"players": func(c *Config) { c.Players = 300 }, "all": func(c *Config) { c.Matches, c.Players = 1000, 100 }, "duration": func(c *Config) { c.Duration = 0 },
		"game": func(c *Config) { c.Game = "h" }, "churn": func(c *Config) { c.Churn = 1.5 }, "network": func(c *Config) { c.Network = "modem" },
		"skill": func(c *Config) { c.Skill = 101 }, "hz": func(c *Config) { c.TickHz = 1000 },
	} {
		c := good
		if spoil(&c); c.Validate() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// rows is a state made by hand.
type rows map[uint8]map[uint32][]int32

func (rows) Tick() uint32 { return 1 }
func (r rows) Each(kind uint8, f func(id uint32, row []int32)) {
	for id, row := range r[kind] {
		f(id, row)
	}
}

// TestActivity counts what moved, turned and was fired between three states.
func TestActivity(t *testing.T) {
	f := func(name string, bits uint8, linear bool) schema.Field {
		return schema.Field{Name: name, Bits: bits, Linear: linear}
	}
	a := newActivity([]schema.Kind{
		{Name: "body", Fields: []schema.Field{f("x", 16, true), f("y", 16, true), f("aim", 10, false), f("shots", 8, false)}},
		{Name: "rocket", Fields: []schema.Field{f("x", 16, true), f("y", 16, true), f("by", 32, false)}},
		{Name: "pickup", Fields: []schema.Field{f("x", 16, false), f("y", 16, false)}},
		{Name: "score", Fields: []schema.Field{f("by", 32, false)}},
	})
	a.frame(rows{0: {1: {5, 5, 9, 255}, 2: {0, 0, 0, 0}}, 2: {3: {1, 1}}})
	a.frame(rows{0: {1: {6, 5, 9, 1}, 2: {0, 0, 0, 0}}, 1: {8: {0, 0, 1}}, 2: {3: {2, 1}}})
	a.frame(rows{0: {1: {6, 5, 8, 1}, 4: {0, 0, 0, 0}}, 1: {8: {3, 0, 1}, 9: {0, 0, 1}}})
	if want := (sums{bodies: 3, moving: 1, turning: 1, shots: 4}); a.sum != want {
		t.Errorf("%+v, want %+v", a.sum, want)
	}
}

// TestFidget: bots of games without brains do something.
func TestFidget(t *testing.T) {
	f := &fidget{rand: game.NewRand(1)}
	seen := map[game.Input]bool{}
	for range 1000 {
		seen[f.Think(nil, 1)] = true
	}
	if len(seen) < 15 || len(seen) > 200 {
		t.Errorf("%d different controls in 1000 frames", len(seen))
	}
}
