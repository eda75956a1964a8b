package netcode

import (
	"os"
	"slices"
	"sync"
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

// Everybody is woken when his time has come, and not much later, whatever the order.
func TestAlarmRings(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		type order struct{ pause, in time.Duration }
		orders := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) order {
			return order{
				time.Duration(rapid.IntRange(0, 500).Draw(r, "pause, 10 us")) * 10 * time.Microsecond,
				time.Duration(rapid.IntRange(1, 4000).Draw(r, "in, 10 us")) * 10 * time.Microsecond,
			}
		}), 1, 40).Draw(r, "orders")
		synctest.Test(t, func(*testing.T) {
			b := &virtualBell{timer: time.NewTimer(time.Hour), gone: make(chan struct{}), begin: time.Now()}
			a := newAlarm(b)
			var all sync.WaitGroup
			for _, o := range orders {
				time.Sleep(o.pause)
				wake, at := make(chan struct{}, 1), time.Now().Add(o.in)
				a.At(at, wake)
				all.Go(func() {
					<-wake
					if late := time.Since(at); late < 0 || late > alarmSlack {
						r.Errorf("woken %v late", late)
					}
				})
			}
			all.Wait()
			if err := a.Close(); err != nil {
				r.Fatal(err)
			}
			if len(b.rang) > len(orders) {
				r.Errorf("rang %d times for %d", len(b.rang), len(orders))
			}
			if a.At(time.Now(), nil) {
				r.Error("a closed alarm takes orders")
			}
		})
	})
}

// Those who are close together are woken at once.
func TestAlarmRingsOnceForNeighbours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &virtualBell{timer: time.NewTimer(time.Hour), gone: make(chan struct{}), begin: time.Now()}
		a := newAlarm(b)
		wake := make(chan struct{}, 6)
		for _, in := range []int{2000, 1040, 1000, 1020, 2030, 1060} { // in us
			a.At(b.begin.Add(time.Duration(in)*time.Microsecond), wake)
		}
		for range cap(wake) {
			<-wake
		}
		_ = a.Close()
		want := []time.Duration{1040 * time.Microsecond, 1060 * time.Microsecond, 2030 * time.Microsecond}
		if !slices.Equal(b.rang, want) {
			t.Errorf("rang at %v, want %v", b.rang, want)
		}
	})
}

// What is more than an alarm keeps is left to the runtime's timers.
func TestAlarmIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAlarm(&virtualBell{timer: time.NewTimer(time.Hour), gone: make(chan struct{}), begin: time.Now()})
		for i := range maxAlarms + 10 {
			a.At(time.Now().Add(time.Duration(i+1)*time.Second), make(chan struct{}, 1))
		}
		if len(a.due) != maxAlarms || a.At(time.Now(), nil) {
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
