package netcode

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/overtime-server/overtime/game/loop"
	"github.com/overtime-server/overtime/schema"
)

// Connections that a match reads come and go while they are recalled, closed and cut from all sides, so that their descriptors are used again at
// once: nobody gets an answer that is not his, and nothing is left.
func TestLiftedTurmoil(t *testing.T) {
	needsLift(t)
	lives := 12
	if raceDetector {
		lives = 6
	}
	e := startTCP(t, nil)
	defer e.stop()
	m := e.match("m", func(c *loop.Config) { c.Hz, c.Seats = 120, 128 })
	stop := make(chan struct{})
	var meddler, players sync.WaitGroup
	meddler.Go(func() { e.meddle(stop) })
	for i := range 32 {
		players.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(i)))
			for range lives {
				if err := e.live(i, rnd); err != nil {
					t.Error(err)
				}
			}
		})
	}
	players.Wait()
	close(stop)
	meddler.Wait()
	m.Stop(loop.OverFinished)
	eventually(t, "no connection is left", func() bool { return e.srv.stats.Connections.Load() == 0 })
}

// meddle does to sessions at random what may be done from any goroutine.
func (e *edge) meddle(stop chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-time.After(time.Millisecond):
		}
		x := e.session()
		if x == nil {
			continue
		}
		switch n % 8 {
		case 0:
			x.Abort()
		case 1:
			x.end(schema.CloseRemoved, "")
		case 2:
			_ = x.Close()
		case 3, 4:
			x.ping()
			x.nb.traffic()
		default:
			x.nb.park.recall()
		}
	}
}

// live plays a short life in whatever frames, and then ends somehow. An error is an answer to somebody else, or none.
func (e *edge) live(i int, rnd *rand.Rand) error {
	c, w, err := e.joined(e.token("m", fmt.Sprint("p", i)), func(h handshake) handshake { return h.set("Sec-WebSocket-Extensions", deflating) })
	if c != nil {
		defer c.Close()
	}
	if err != nil {
		return nil // it was meddled with before
	}
	c.SetDeadline(time.Now().Add(patience))
	for n, seq := uint32(0), w.Sample; n < 20; n++ {
		p := frame(fin|opBinary, c.w.Ping(uint32(i)<<16|n+1))
		if rnd.IntN(8) == 0 {
			p = frame(fin|rsv1|opBinary, squeeze(c.w.Ping(uint32(i)<<16|n+1)))
		}
		seq++
		p = slices.Concat(frame(fin|opPong, nil)[:6*rnd.IntN(2)], frame(fin|opBinary, samplesFrom(seq, 1)), p)
		cut := rnd.IntN(len(p))
		if c.bytes(p[:cut]); rnd.IntN(4) == 0 {
			time.Sleep(10 * time.Millisecond) // a tick, so that it is read in two parts
		}
		c.bytes(p[cut:])
		for answered := false; !answered; {
			m, err := c.readMessage()
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return fmt.Errorf("player %d is not answered", i)
			} else if err != nil {
				return nil
			}
			pong, ok := schema.ReadPong(&m)
			if answered = ok; ok && pong.Client != uint32(i)<<16|n+1 {
				return fmt.Errorf("player %d is told %x at his ping %d", i, pong.Client, n+1)
			}
		}
	}
	switch rnd.IntN(3) {
	case 0:
		c.bytes(closeFrame(1000, ""))
	case 1:
		_ = c.Conn.(*net.TCPConn).SetLinger(0)
	}
	return nil
}
