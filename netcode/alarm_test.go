package netcode

import (
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// virtualBell rings in virtual time, and notes when.
type virtualBell struct {
	timer *time.Timer
	gone  chan struct{}
	begin time.Time
	rang  []time.Duration // read when the alarm is closed
}

func (b *virtualBell) ring(in time.Duration) { b.timer.Reset(in) }

func (b *virtualBell) wait() error {
	select {
	case <-b.timer.C:
		b.rang = append(b.rang, time.Since(b.begin))
		return nil
	case <-b.gone:
		return os.ErrClosed
	}
}

func (b *virtualBell) close() error {
	close(b.gone)
	return nil
}

// An alarm rings once for every moment it was told of, whatever their order, however many are told at once, and for nothing else.
func TestAlarmRings(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		type order struct{ pause, in time.Duration }
		orders := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) order {
			return order{
				time.Duration(rapid.IntRange(0, 5).Draw(r, "pause, ms")) * time.Millisecond,
				time.Duration(rapid.IntRange(1, 40).Draw(r, "in, ms")) * time.Millisecond,
			}
		}), 1, 40).Draw(r, "orders")
		synctest.Test(t, func(*testing.T) {
			b := &virtualBell{timer: time.NewTimer(time.Hour), gone: make(chan struct{}), begin: time.Now()}
			a := newAlarm(b)
			var want []time.Duration
			for _, o := range orders {
				time.Sleep(o.pause)
				a.At(time.Now().Add(o.in))
				want = append(want, time.Since(b.begin)+o.in+alarmSlack)
			}
			time.Sleep(time.Second)
			if err := a.Close(); err != nil {
				r.Fatal(err)
			}
			a.At(time.Now()) // is nothing any more
			slices.Sort(want)
			if want = slices.Compact(want); !slices.Equal(b.rang, want) {
				r.Fatalf("rang at %v, want %v", b.rang, want)
			}
		})
	})
}

// What is more than an alarm keeps is left to the runtime's timers.
func TestAlarmIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlarm(&virtualBell{timer: time.NewTimer(time.Hour), gone: make(chan struct{}), begin: time.Now()})
		for i := range maxAlarms + 10 {
			a.At(time.Now().Add(time.Duration(i+1) * time.Second))
		}
		if len(a.due) != maxAlarms {
			t.Errorf("%d moments", len(a.due))
		}
		_ = a.Close()
	})
}

// The system's clock rings for what it was set to last, and is let go of while somebody waits for it.
func TestAlarmOfTheSystem(t *testing.T) {
	a, err := NewAlarm()
	if err != nil {
		t.Skip("no timerfd here: ", err)
	}
	defer a.Close()
	b, err := newBell()
	if err != nil {
		t.Fatal(err)
	}
	b.ring(time.Hour)
	b.ring(time.Millisecond)
	if err := b.wait(); err != nil {
		t.Fatal(err)
	}
	b.ring(time.Hour)
	ended := make(chan error)
	go func() { ended <- b.wait() }()
	_ = b.close()
	if err := <-ended; err == nil {
		t.Error("a closed clock rang")
	}
}
