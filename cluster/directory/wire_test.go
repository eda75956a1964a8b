package directory

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWireRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[!-~]{1,64}`)
		recs := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Record {
			r := drawRecord(t)
			r.Match, r.Owner = id.Draw(t, "id"), id.Draw(t, "id")
			r.Seq = rapid.Uint32Range(1, MaxCount).Draw(t, "seq")
			r.Epoch = rapid.Uint32Range(r.Since, MaxCount).Draw(t, "epoch")
			if !r.Live() {
				r.Age = rapid.Uint16().Draw(t, "age")
			}
			return r
		})).Draw(t, "records")
		got, err := Parse(Append(nil, recs...))
		if err != nil || !slices.Equal(got, recs) {
			t.Fatalf("%v came back as %v, %v", recs, got, err)
		}
		limit := rapid.IntRange(300, 1200).Draw(t, "limit")
		var joined []byte
		for i, m := range Messages(limit, recs...) {
			if len(m) > limit || len(m) == 0 {
				t.Fatalf("message %d has %d bytes of %d", i, len(m), limit)
			}
			if _, err := Parse(m); err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
			joined = append(joined, m...)
		}
		if !bytes.Equal(joined, Append(nil, recs...)) {
			t.Fatal("messages do not join to the whole")
		}
	})
}

func TestMessagesAreFull(t *testing.T) {
	recs := many(100, 3)
	if n, whole := len(Messages(MaxMessage, recs...)), len(Append(nil, recs...)); n > whole/(MaxMessage-80)+1 {
		t.Fatalf("%d messages for %d bytes", n, whole)
	}
}

func TestParseRefuses(t *testing.T) {
	good := Record{Match: "m", Epoch: 2, Seq: 1, Since: 1, Owner: "a"}
	change := func(f func(*Record)) []byte {
		r := good
		f(&r)
		return Append(nil, r)
	}
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"version", []byte{0x20, 1, 1, 0, 0, 1, 'm', 1, 'a', 0, 0}, ErrVersion},
		{"state", change(func(r *Record) { r.State = 3 }), ErrField},
		{"epoch 0", change(func(r *Record) { r.Epoch, r.Since = 0, 0 }), ErrField},
		{"epoch too great", change(func(r *Record) { r.Epoch = MaxCount + 1 }), ErrField},
		{"sequence 0", change(func(r *Record) { r.Seq = 0 }), ErrField},
		{"since 0", change(func(r *Record) { r.Since = 0 }), ErrField},
		{"age of a live one", change(func(r *Record) { r.Age = 1 }), ErrField},
		{"no match", change(func(r *Record) { r.Match = "" }), ErrField},
		{"no owner", change(func(r *Record) { r.Owner = "" }), ErrField},
		{"space", change(func(r *Record) { r.Owner = "a b" }), ErrField},
		{"not ASCII", change(func(r *Record) { r.Witness = "ä" }), ErrField},
		{"long id", change(func(r *Record) { r.Standby = strings.Repeat("x", 65) }), ErrField},
	} {
		if _, err := Parse(append(Append(nil, good), c.b...)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	whole := Append(nil, good)
	for n := 1; n < len(whole); n++ {
		if _, err := Parse(whole[:n]); !errors.Is(err, ErrShort) {
			t.Errorf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
}

func TestDirectoryRefusesWhatIsInvalid(t *testing.T) {
	d := New("a")
	if got := d.Put(at(0), Record{Match: "m"}); got != (Record{}) {
		t.Errorf("put without an epoch gave %v", got)
	}
	d.Apply(at(0), []Record{{Match: "m", Owner: "b"}})
	if s := d.Stats(); s.Invalid != 1 || s.Live != 0 {
		t.Errorf("%+v", s)
	}
	for _, b := range [][]byte{nil, {2}, {1, 1}, {1, 1, 'a', 0, 1, 2, 3, 4, 5, 6, 7, 8}, {1, 1, ' ', 1, 1, 2, 3, 4, 5, 6, 7, 8}, {1, 65}} {
		if owners, err := d.Diff(b); err == nil {
			t.Errorf("digest %v read as %v", b, owners)
		}
	}
}

// many returns n records of owners nodes in ids of the usual length.
func many(n, owners int) []Record {
	recs := make([]Record, n)
	for i := range recs {
		recs[i] = Record{Match: fmt.Sprintf("m%016d", i), Epoch: 1, Seq: 1, Since: 1, Owner: fmt.Sprintf("n%016d", i%owners),
			Standby: fmt.Sprintf("n%016d", (i+1)%owners), Witness: fmt.Sprintf("n%016d", (i+2)%owners)}
	}
	return recs
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{})
	f.Add(Append(nil, many(3, 2)...))
	f.Add(Append(nil, Record{Match: "m", Epoch: MaxCount, Seq: MaxCount, Since: 1, Owner: "a", State: Lost, Age: MaxAge}))
	f.Add([]byte{0x11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		recs, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Parse(Append(nil, recs...))
		if err != nil || !slices.Equal(recs, again) {
			t.Fatalf("%v came back as %v, %v", recs, again, err)
		}
		d := New("a")
		d.Alive("b")
		d.Apply(at(0), recs)
		d.Dead(at(1), "b", true)
		d.Expire(at(5))
		mustBeSound(t, d)
		if _, err := Parse(Append(nil, d.All()...)); err != nil {
			t.Fatalf("holds what others refuse: %v", err)
		}
	})
}

func FuzzDiff(f *testing.F) {
	d := New("a")
	d.Apply(at(0), many(20, 3))
	f.Add([]byte{})
	f.Add(d.Digest())
	f.Add(New("b").Digest())
	f.Add([]byte{1, 1, 'a', 1, 1, 2, 3, 4, 5, 6, 7, 8, 1, 'a', 1, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, b []byte) {
		before := d.Digest()
		owners, err := d.Diff(b)
		if err == nil && len(owners) > len(b)/11 {
			t.Fatalf("%d owners of %d bytes", len(owners), len(b))
		}
		for _, id := range owners {
			if !validID(id) {
				t.Fatalf("id %q", id)
			}
		}
		if !bytes.Equal(d.Digest(), before) {
			t.Fatal("reading a digest changed the directory")
		}
	})
}
