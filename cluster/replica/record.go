package replica

import (
	"bytes"

	"github.com/overtime-server/overtime/game/journal"
)

// A stand-in for the journal's own functions.

func prefix(tick uint32) (*bytes.Buffer, *journal.Writer) {
	var buf bytes.Buffer
	w, err := journal.NewWriter(&buf, journal.Header{Game: "x", Hz: 1, Every: 1, Seats: 1})
	if err == nil {
		err = w.WriteCheckpoint(tick-1, nil)
	}
	if err != nil {
		panic(err)
	}
	return &buf, w
}

func appendRecord(b []byte, rec *journal.Record) ([]byte, error) {
	buf, w := prefix(rec.Tick)
	buf.Reset()
	if err := w.WriteRecord(rec); err != nil {
		return b, err
	}
	return append(b, buf.Bytes()...), nil
}

func decodeRecord(b []byte, tick uint32) (*journal.Record, error) {
	buf, _ := prefix(tick)
	buf.Write(b)
	r, err := journal.NewReader(buf)
	if err != nil {
		return nil, err
	}
	for {
		e, err := r.Next()
		if err != nil {
			return nil, err
		}
		if e.Record != nil {
			return e.Record, nil
		}
	}
}
