package journal

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// gate is a slow disk: every write waits for a token.
type gate struct {
	pass chan struct{}
	file bytes.Buffer
	err  error
}

func (g *gate) Write(b []byte) (int, error) {
	<-g.pass
	if g.err != nil {
		return 0, g.err
	}
	return g.file.Write(b)
}

func TestSpoolNeverBlocksAndKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{pass: make(chan struct{})}
		s := NewSpool(g, 1<<20)
		w, err := NewWriter(s, testHeader)
		for tick := uint32(1); err == nil && tick <= 50; tick++ {
			err = w.WriteRecord(tickRecord(tick))
		}
		if err != nil || g.file.Len() != 0 {
			t.Fatalf("%v, %d bytes on a disk that stands still", err, g.file.Len())
		}
		go func() {
			time.Sleep(time.Second) // of virtual time
			close(g.pass)
		}()
		if err := errors.Join(w.End("done"), s.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
		got, err := readAll(g.file.Bytes())
		if err != io.EOF || len(got) != 51 {
			t.Fatalf("%d entries, then %v", len(got), err)
		}
		if _, err := s.Write([]byte("x")); !errors.Is(err, ErrSpoolClosed) {
			t.Fatalf("write after close: %v", err)
		}
	})
}

// A full spool ends the recording; what it took is a journal with a torn tail.
func TestSpoolFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{pass: make(chan struct{})}
		s := NewSpool(g, 4000)
		w, err := NewWriter(s, testHeader)
		synctest.Wait() // the goroutine has taken the header and waits for the disk
		tick := uint32(1)
		for ; err == nil; tick++ {
			err = w.WriteRecord(tickRecord(tick))
		}
		if !errors.Is(err, ErrSpoolFull) {
			t.Fatal(err)
		}
		close(g.pass)
		if err := s.Close(); !errors.Is(err, ErrSpoolFull) {
			t.Fatal(err)
		}
		got, err := readAll(g.file.Bytes())
		torn := (*TornError)(nil)
		if !errors.As(err, &torn) || torn.Rest != 0 || len(got) != int(tick)-2 {
			t.Fatalf("%d records of %d, then %v", len(got), tick-2, err)
		}
	})
}

func TestSpoolReportsTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{pass: make(chan struct{}), err: errors.New("disk full")}
		close(g.pass)
		s := NewSpool(g, 4000)
		if _, err := s.Write([]byte("abc")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := s.Write([]byte("abc")); !errors.Is(err, g.err) {
			t.Fatal(err)
		}
		if err := s.Close(); !errors.Is(err, g.err) {
			t.Fatal(err)
		}
	})
}
