package admin

import (
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/overtime-server/overtime/game/loop"
)

// metrics returns the handler of /metrics. It has a registry of its own, so that several nodes fit into one process.
func metrics(n Node, refused *atomic.Uint64, log *slog.Logger) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collector{n, refused}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError), MaxRequestsInFlight: 4})
}

// collector turns the node's plain counters into metrics when they are asked for; nothing is kept twice.
type collector struct {
	node    Node
	refused *atomic.Uint64 // requests of operators beyond the rate limit
}

var _ prometheus.Collector = collector{}

// metric is a name with what it means.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func counter(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("overtime_"+name, help, labels, nil), prometheus.CounterValue}
}

func gauge(name, help string, labels ...string) metric {
	return metric{prometheus.NewDesc("overtime_"+name, help, labels, nil), prometheus.GaugeValue}
}

var (
	mConnections = gauge("connections", "Open WebSocket connections.")
	mAccepted    = counter("connections_accepted_total", "WebSocket connections accepted.")
	mJoined      = counter("joins_total", "Players and spectators let into a match, first time or again.")
	mReconnected = counter("reconnections_total", "Of the joins, those with a resume token.")
	mMessages    = counter("messages_total", "WebSocket messages.", "direction")
	mBytes       = counter("bytes_total", "Bytes on players' sockets, headers included, after compression.", "direction")
	mFrames      = counter("state_frames_total", "Shared state frames delivered.")
	mKeyframes   = counter("keyframes_total", "Of the state frames, keyframes.")
	mReduced     = gauge("players_reduced", "Players whose line has no room for every row, and who are sent some.")
	mLeft        = counter("rows_left_out_total", "Rows that such a player's frame left as he predicts them, though they were not so.")
	mSkipped     = counter("state_frames_skipped_total", "State frames that a slow connection missed.")
	mKeyRequests = counter("keyframe_requests_total", "Keyframes asked for by clients whose state differed.")
	mStateBytes  = counter("state_bytes_total", "Bytes of shared state frames before and after compression.", "stage")
	mRatio       = gauge("compression_ratio", "Size of shared state frames after compression divided by the size before.")
	mCloses      = counter("closes_total", "Connections ended, by close code.", "code")
	mRefused     = counter("handshakes_refused_total", "Handshakes and hellos refused.", "reason")
	mLimited     = counter("requests_limited_total", "Guest and quickplay requests refused by the rate limit.")
	mErrors      = counter("errors_total", "Things that went wrong on the server's side.", "kind")
	mPlayers     = gauge("players", "Seats taken in running matches.")
)

var (
	mMatches  = gauge("matches", "Running matches.", "game")
	mTicks    = counter("ticks_total", "Ticks stepped.", "game")
	mDropped  = counter("ticks_dropped_total", "Ticks left out because the backlog was too large.", "game")
	mOverruns = counter("tick_overruns_total", "Ticks that took longer than their interval.", "game")
	mShed     = counter("frames_shed_total", "State frames left out while catching up.", "game")
	mAppliedI = counter("inputs_accepted_total", "Samples of controls applied, merged ones included.", "game")
	mMerged   = counter("inputs_merged_total", "Of the accepted samples, those merged with another of the same tick.", "game")
	mEarly    = counter("inputs_early_total", "Samples accepted for an earlier tick than they asked for.", "game")
	mRefusedI = counter("inputs_refused_total", "Samples and other player items that were not applied.", "game", "reason")
	mCommands = counter("commands_total", "Commands applied.", "game")
	mLostMsgs = counter("reliable_messages_lost_total", "Reliable messages that gave way to newer ones.", "game")
	mGameErrs = counter("game_errors_total", "Failures of a game's matches.", "game", "kind")

	mDuration = prometheus.NewDesc("overtime_tick_duration_seconds", "Time to step a tick and hand it over.", []string{"game"}, nil)
	mLateness = prometheus.NewDesc("overtime_tick_lateness_seconds", "Start of a tick after its intended time.", []string{"game"}, nil)
)

// Describe implements prometheus.Collector. It names nothing: which label values there are shows only when they are asked for.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	k := c.node.Counters()
	put := putter(ch)
	put.net(&k)
	put.count(mAdminLimited, c.refused)
	put.cluster(&k)
	put.tickets(k.Tickets)
	labelled(put, mMatches, k.Matches)
	for game, s := range k.Games {
		put.game(game, s)
	}
}

// putter sends metrics off.
type putter chan<- prometheus.Metric

func (p putter) value(m metric, v float64, labels ...string) {
	p <- prometheus.MustNewConstMetric(m.desc, m.kind, v, labels...)
}

// labelled sends a metric off for each value of its label.
func labelled[N int | uint64](p putter, m metric, values map[string]N) {
	for label, n := range values {
		p.value(m, float64(n), label)
	}
}

func (p putter) count(m metric, v *atomic.Uint64, labels ...string) {
	p.value(m, float64(v.Load()), labels...)
}

func (p putter) net(k *Counters) {
	s := k.Net
	p.value(mConnections, float64(s.Connections.Load()))
	p.value(mPlayers, float64(k.Players))
	p.count(mAccepted, &s.Accepted)
	p.count(mJoined, &s.Joined)
	p.count(mReconnected, &s.Reconnected)
	p.count(mMessages, &s.MessagesIn, "in")
	p.count(mMessages, &s.MessagesOut, "out")
	p.value(mBytes, float64(k.BytesIn), "in")
	p.value(mBytes, float64(k.BytesOut), "out")
	p.count(mFrames, &s.StateFrames)
	p.count(mKeyframes, &s.Keyframes)
	p.value(mReduced, float64(s.Reduced.Load()))
	p.count(mLeft, &s.RowsLeft)
	p.count(mSkipped, &s.FramesSkipped)
	p.count(mKeyRequests, &s.KeyframeRequests)
	p.value(mLimited, float64(k.Limited))
	p.count(mErrors, &s.RowsDropped, "rows_dropped")
	p.count(mErrors, &s.Panics, "connection_panic")
	for code, n := range s.Closes() {
		p.value(mCloses, float64(n), strconv.Itoa(int(code)))
	}
	labelled(p, mRefused, s.Refused())
	raw, deflated := s.RawBytes.Load(), s.DeflatedBytes.Load()
	p.value(mStateBytes, float64(raw), "raw")
	p.value(mStateBytes, float64(deflated), "deflated")
	ratio := 1.0
	if raw > 0 {
		ratio = float64(deflated) / float64(raw)
	}
	p.value(mRatio, ratio)
}

func (p putter) game(game string, s *loop.Stats) {
	p.count(mTicks, &s.Ticks, game)
	p.count(mDropped, &s.Dropped, game)
	p.count(mOverruns, &s.Overruns, game)
	p.count(mShed, &s.Shed, game)
	p.count(mAppliedI, &s.Applied, game)
	p.count(mMerged, &s.Merged, game)
	p.count(mEarly, &s.Early, game)
	p.count(mRefusedI, &s.Late, game, "late")
	p.count(mRefusedI, &s.Duplicate, game, "duplicate")
	p.count(mRefusedI, &s.Flood, game, "flood")
	p.count(mRefusedI, &s.Sequence, game, "sequence")
	p.count(mRefusedI, &s.InboxFull, game, "inbox_full")
	p.count(mRefusedI, &s.Stale, game, "stale")
	p.count(mCommands, &s.Commands, game)
	p.count(mLostMsgs, &s.Messages, game)
	p.count(mGameErrs, &s.Panics, game, "panic")
	p.count(mGameErrs, &s.Failed, game, "match_failed")
	p.count(mGameErrs, &s.RecordLost, game, "recording_lost")
	p.histogram(mDuration, &s.Duration, game)
	p.histogram(mLateness, &s.Lateness, game)
}

// histogram sends a histogram off, with counts cumulated as Prometheus wants them.
func (p putter) histogram(d *prometheus.Desc, h *loop.Histogram, game string) {
	counts, sum := h.Read()
	buckets := make(map[float64]uint64, len(loop.Buckets))
	var total uint64
	for i, n := range counts {
		total += n
		if i < len(loop.Buckets) {
			buckets[loop.Buckets[i].Seconds()] = total
		}
	}
	p <- prometheus.MustNewConstHistogram(d, total, max(0, float64(sum)/float64(time.Second)), buckets, game)
}
