package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

func TestCallsBothWaysOverOneConnection(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.node("a"), w.node("b")
		defer a.close()
		defer b.close()
		mustCall(t, a, "b", "hello")
		mustCall(t, b, "a", "and back")
		mustCall(t, a, "b", "")
		big := bytes.Repeat([]byte("x"), MaxBody)
		if got, err := a.Call(t.Context(), "b", "echo", big); err != nil || !bytes.Equal(got, big) {
			t.Fatalf("largest body: %d bytes, %v", len(got), err)
		}
		if w.net.dialled() != 1 {
			t.Errorf("%d dials", w.net.dialled())
		}
		var failure *Error
		if _, err := a.Call(t.Context(), "b", "nothing", nil); !errors.As(err, &failure) || failure.Code != "unknown" || failure.Text != "nothing" {
			t.Errorf("the handler's error arrived as %v", err)
		}
		if _, err := a.Call(t.Context(), "nobody", "echo", nil); !errors.Is(err, ErrUnknown) {
			t.Errorf("call of an unknown node: %v", err)
		}
		if _, err := a.Call(t.Context(), "a", "echo", nil); !errors.Is(err, ErrUnknown) {
			t.Errorf("call of itself: %v", err)
		}
		if _, err := a.Call(t.Context(), "b", "echo", make([]byte, MaxBody+1)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("too large a body: %v", err)
		}
		if s := a.Stats(); s.CallsOut != 6 || s.CallsIn != 1 || s.CallErrors["peer"] != 1 || s.CallErrors["down"] != 2 || s.Connected != 1 {
			t.Errorf("stats: %+v", s)
		}
	})
}

func TestMessagesArriveInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.node("a"), w.node("b")
		defer a.close()
		defer b.close()
		if err := a.Send("b", 1, []byte("lost")); !errors.Is(err, ErrDown) {
			t.Fatalf("sent without a connection: %v", err)
		}
		synctest.Wait()
		const n = 5000
		for i := range n {
			if err := a.Send("b", 7, fmt.Appendf(nil, "%d", i)); err != nil {
				t.Fatal(err)
			}
			if i%500 == 0 {
				mustCall(t, b, "a", "between")
			}
		}
		synctest.Wait()
		b.note(func() {
			if len(b.got) != n {
				t.Fatalf("%d of %d messages arrived", len(b.got), n)
			}
			for i, m := range b.got {
				if m != fmt.Sprintf("a 7 %d", i) {
					t.Fatalf("message %d is %q", i, m)
				}
			}
		})
		if s := a.Stats(); s.Writes >= n {
			t.Errorf("%d messages took %d writes", n, s.Writes)
		}
	})
}

func TestDeadlineAndCancellationReachTheHandler(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		ended := make(chan error, 1)
		a := w.node("a")
		b := w.node("b", func(c *Config) {
			c.Call = func(ctx context.Context, _, method string, _ []byte) ([]byte, error) {
				if method == "left" {
					at, _ := ctx.Deadline()
					return fmt.Append(nil, time.Until(at).Milliseconds()), nil
				}
				<-ctx.Done()
				ended <- ctx.Err()
				return nil, ctx.Err()
			}
		})
		defer a.close()
		defer b.close()
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
		if got, err := a.Call(ctx, "b", "left", nil); err != nil || string(got) != "700" {
			t.Errorf("the handler has %s ms, %v", got, err)
		}
		start := time.Now()
		if _, err := a.Call(ctx, "b", "wait", nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 700*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		<-ended
		cancel()
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(10*time.Millisecond, cancel)
		start = time.Now()
		if _, err := a.Call(ctx, "b", "wait", nil); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(start) != 10*time.Millisecond {
			t.Errorf("the handler saw %v after %v", err, time.Since(start))
		}
		if got, err := a.Call(t.Context(), "b", "left", nil); err != nil || string(got) != "2000" {
			t.Errorf("without a deadline the handler has %s ms, %v", got, err)
		}
	})
}

func TestCallsAtOnceAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		gate := make(chan struct{})
		a := w.node("a")
		b := w.node("b", func(c *Config) {
			c.MaxCalls = 3
			c.Call = func(_ context.Context, _, method string, _ []byte) ([]byte, error) {
				if method == "panic" {
					panic("rules")
				}
				<-gate
				return nil, errors.New("plain")
			}
		})
		defer a.close()
		defer b.close()
		results := make(chan error, 5)
		for range 5 {
			go func() {
				_, err := a.Call(context.Background(), "b", "wait", nil)
				results <- err
			}()
		}
		synctest.Wait()
		codes := map[string]int{}
		for i := range 5 {
			if i == 2 {
				close(gate)
			}
			var failure *Error
			if err := <-results; errors.As(err, &failure) {
				codes[failure.Code]++
			}
		}
		if codes[CodeBusy] != 2 || codes[CodeInternal] != 3 {
			t.Errorf("answers: %v", codes)
		}
		var failure *Error
		if _, err := a.Call(t.Context(), "b", "panic", nil); !errors.As(err, &failure) || failure.Code != CodeInternal {
			t.Errorf("a panic is answered %v", err)
		}
		if s := b.Stats(); s.Refused["busy"] != 2 || s.Refused["panic"] != 1 {
			t.Errorf("stats: %+v", s)
		}
	})
}

func TestBulkConnections(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.node("a"), w.node("b", func(c *Config) { c.MaxStreams = 2 })
		defer a.close()
		defer b.close()
		c, err := a.Open(t.Context(), "b", "snapshot")
		if err != nil {
			t.Fatal(err)
		}
		sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
		go func() {
			_, _ = c.Write(sent)
			_ = c.(interface{ CloseWrite() error }).CloseWrite()
		}()
		if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, sent) {
			t.Fatalf("%d of %d bytes came back, %v", len(got), len(sent), err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		for range 2 {
			if _, err := a.Open(t.Context(), "b", "held"); err != nil {
				t.Fatal(err)
			}
		}
		var failure *Error
		if _, err := a.Open(t.Context(), "b", "more"); !errors.As(err, &failure) || failure.Code != CodeBusy {
			t.Errorf("one too many: %v", err)
		}
		if s := b.Stats(); s.BulkOpen != 2 || s.Refused["bulk"] != 1 || s.Connected != 0 {
			t.Errorf("stats: %+v", s)
		}
	})
}

func TestCloseEndsEverything(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.node("a"), w.node("b", func(c *Config) {
			c.Call = func(ctx context.Context, _, _ string, _ []byte) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }
		})
		defer a.close()
		defer a.Watch("b")()
		synctest.Wait()
		result := make(chan error, 1)
		go func() { _, err := call(a, "b", "x"); result <- err }()
		c, err := a.Open(t.Context(), "b", "held")
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Send("a", 1, []byte("last")); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		b.close()
		b.close() // twice is no harm
		if took := time.Since(start); took > farewell {
			t.Errorf("closing took %v", took)
		}
		if err := <-result; !errors.Is(err, ErrDown) {
			t.Errorf("the call under way ends with %v", err)
		}
		_, _ = io.ReadAll(c) // ends, or the test stands still
		synctest.Wait()
		a.note(func() {
			if len(a.got) != 1 || len(a.downs) != 1 || !errors.Is(a.downs[0], ErrClosed) {
				t.Errorf("the peer saw %v, messages %v", a.events, a.got)
			}
		})
		if _, err := call(b, "a", "x"); !errors.Is(err, ErrClosed) {
			t.Errorf("call after Close: %v", err)
		}
		if err := b.Send("a", 1, nil); !errors.Is(err, ErrClosed) {
			t.Errorf("send after Close: %v", err)
		}
		b.Watch("a")()
		if _, err := b.Open(t.Context(), "a", "x"); !errors.Is(err, ErrClosed) {
			t.Errorf("open after Close: %v", err)
		}
	})
}
