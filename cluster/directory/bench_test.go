package directory

import (
	"fmt"
	"testing"
)

// full returns a directory with 10,000 records of 100 owners.
func full() (*Directory, []Record) {
	d, recs := New("self"), many(10_000, 100)
	for i := range 100 {
		d.Alive(fmt.Sprintf("n%016d", i))
	}
	d.Apply(at(0), recs)
	return d, recs
}

func BenchmarkApply(b *testing.B) {
	d, recs := full()
	i := 0
	for b.Loop() {
		r := &recs[i%len(recs)]
		r.Seq++
		d.Apply(at(1), recs[i%len(recs):i%len(recs)+1])
		i++
	}
}

func BenchmarkApplyKnown(b *testing.B) {
	d, recs := full()
	i := 0
	for b.Loop() {
		d.Apply(at(1), recs[i%len(recs):i%len(recs)+1])
		i++
	}
}

func BenchmarkDigest(b *testing.B) {
	d, _ := full()
	for b.Loop() {
		d.Digest()
	}
}

func BenchmarkDiff(b *testing.B) {
	d, _ := full()
	digest := d.Digest()
	for b.Loop() {
		if owners, err := d.Diff(digest); len(owners) > 0 || err != nil {
			b.Fatal(owners, err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	d, recs := full()
	for b.Loop() {
		d.Get(recs[77].Match)
	}
}

func BenchmarkExpire(b *testing.B) {
	d, _ := full()
	for b.Loop() {
		d.Expire(at(2))
	}
}

func BenchmarkParse(b *testing.B) {
	msg := Messages(MaxMessage, many(100, 10)...)[0]
	for b.Loop() {
		if _, err := Parse(msg); err != nil {
			b.Fatal(err)
		}
	}
}
