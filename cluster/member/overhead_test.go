//go:build unix

package member

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// BenchmarkOverhead prints what one of a hundred nodes on loopback costs: share of a core and garbage, first with nothing going on,
// then while the load of every node changes all the time. It takes about 40 s:
//
//	go test ./cluster/member -run '^$' -bench Overhead -benchtime 1x
func BenchmarkOverhead(b *testing.B) {
	const count, look = 100, 10 * time.Second
	for range b.N {
		var all []*Members
		for i := range count {
			cfg := Config{ID: fmt.Sprintf("n%04d", i), Label: "bench", Keys: [][]byte{make([]byte, 32)}, Bind: "127.0.0.1:0", Meta: Meta{Wire: 1}}
			for j := range min(i, 3) {
				cfg.Join = append(cfg.Join, all[j].Addr())
			}
			m, err := Start(cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close()
			all = append(all, m)
		}
		for end := time.Now().Add(30 * time.Second); all[0].View().Alive() < count || all[count-1].View().Alive() < count; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				b.Fatal("not everybody is there")
			}
		}
		time.Sleep(5 * time.Second)
		cpu, garbage := cost(look)
		b.ReportMetric(100*cpu/count, "idle-%core/node")
		b.ReportMetric(garbage/count/1024, "idle-KiB/s/node")
		stop := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for n := 0; ; n++ {
				for _, m := range all {
					m.SetLoad(Load{Matches: n})
				}
				select {
				case <-stop:
					return
				case <-time.After(200 * time.Millisecond):
				}
			}
		}()
		time.Sleep(2 * time.Second)
		cpu, garbage = cost(look)
		close(stop)
		<-done
		b.ReportMetric(100*cpu/count, "busy-%core/node")
		b.ReportMetric(garbage/count/1024, "busy-KiB/s/node")
	}
}

// cost returns the cores used by this process and the bytes that it allocated per second.
func cost(d time.Duration) (cores, bytes float64) {
	used := func() (time.Duration, uint64) {
		var r syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // cannot fail for oneself
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return time.Duration(r.Utime.Nano() + r.Stime.Nano()), m.TotalAlloc
	}
	c0, b0 := used()
	time.Sleep(d)
	c1, b1 := used()
	return float64(c1-c0) / float64(d), float64(b1-b0) / d.Seconds()
}
