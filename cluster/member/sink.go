package member

import (
	"strings"
	"sync"

	"github.com/hashicorp/go-metrics"
)

// memberlist counts into the one global of go-metrics. Members of one process are told apart by a label.
const sinkLabel = "overtime_member"

var (
	untouched = metrics.Default() // what go-metrics starts with: forgets everything
	sinkOnce  sync.Once
	sinks     sync.Map // label -> *counters
)

// installSink makes the global count for us, unless the program that we are part of has put it to a use of its own.
func installSink() {
	sinkOnce.Do(func() {
		if metrics.Default() == untouched {
			// The error is always nil: without profiling nothing of the configuration can be wrong.
			metrics.NewGlobal(&metrics.Config{FilterDefault: true}, &sink{})
		}
	})
}

// sink is a metrics.MetricSink that keeps the few counters that Stats shows.
type sink struct{ metrics.BlackholeSink }

// find returns the counters that a label names, or nil.
func find(labels []metrics.Label) *counters {
	for _, l := range labels {
		if l.Name == sinkLabel {
			if c, ok := sinks.Load(l.Value); ok {
				return c.(*counters)
			}
		}
	}
	return nil
}

// IncrCounterWithLabels counts what memberlist sends, accepts and acts on.
func (*sink) IncrCounterWithLabels(key []string, val float32, labels []metrics.Label) {
	c := find(labels)
	if c == nil || len(key) != 3 {
		return
	}
	switch strings.Join(key[1:], ".") {
	case "udp.sent":
		c.packetsOut.Add(1)
		c.packetBytes.Add(uint64(val))
	case "tcp.accept":
		c.streamsIn.Add(1)
	case "tcp.connect":
		c.streamsOut.Add(1)
	case "msg.alive":
		c.appeared.Add(1)
	case "msg.suspect":
		c.suspected.Add(1)
	case "msg.dead":
		c.died.Add(1)
	}
}

// SetGaugeWithLabels keeps the health score.
func (*sink) SetGaugeWithLabels(key []string, val float32, labels []metrics.Label) {
	if c := find(labels); c != nil && len(key) == 3 && key[1] == "health" {
		c.health.Store(int64(val))
	}
}
