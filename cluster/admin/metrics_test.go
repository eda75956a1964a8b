package admin

import (
	"bufio"
	"fmt"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/overtime-server/overtime/netcode"
)

// sample is a line of the text format: name, labels, value.
var sample = regexp.MustCompile(`^([a-z_:][a-zA-Z0-9_:]*)(\{(?:[a-z_]+="[^"\n]*",?)*\})? (\S+)$`)

// scrape reads /metrics as Prometheus would.
func scrape(t *testing.T, w *httptest.ResponseRecorder) map[string]float64 {
	t.Helper()
	if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Fatalf("status %d, %s", w.Code, w.Header())
	}
	got := map[string]float64{}
	typed := map[string]bool{}
	for sc := bufio.NewScanner(w.Body); sc.Scan(); {
		line := sc.Text()
		if f := strings.Fields(line); len(f) == 4 && f[1] == "TYPE" {
			typed[f[2]] = true
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("line %q is not in the text format", line)
			continue
		}
		v, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			t.Errorf("line %q: %v", line, err)
		}
		base := m[1]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if !typed[base] {
				base = strings.TrimSuffix(base, suffix)
			}
		}
		if !typed[base] {
			t.Errorf("%s has no type", m[1])
		}
		if _, twice := got[m[1]+m[2]]; twice {
			t.Errorf("%s is there twice", m[1]+m[2])
		}
		got[m[1]+m[2]] = v
	}
	return got
}

func TestMetrics(t *testing.T) {
	s, n := newTest(t, nil)
	n.stats["tag"].Applied.Store(11)
	n.stats["tag"].Flood.Store(5)
	got := scrape(t, call(s, "GET", "/metrics", ""))
	for name, want := range map[string]float64{
		`overtime_connections`:                                          0,
		`overtime_matches_unprotected{reason="no standby"}`:             4,
		`overtime_cluster_members{state="alive"}`:                       3,
		`overtime_cluster_parts{part="other"}`:                          5,
		`overtime_cluster_now{what="links"}`:                            2,
		`overtime_cluster_events_total{what="link_dials"}`:              6,
		`overtime_cluster_errors_total{what="link_dial"}`:               7,
		`overtime_webhook_pending`:                                      8,
		`overtime_webhook_breaker_open`:                                 1,
		`overtime_webhook_delivered_total`:                              9,
		`overtime_webhook_failed_attempts_total`:                        10,
		`overtime_webhook_dropped_total`:                                11,
		`overtime_admin_requests_limited_total`:                         0,
		`overtime_players`:                                              7,
		`overtime_matches{game="tag"}`:                                  3,
		`overtime_messages_total{direction="in"}`:                       0,
		`overtime_bytes_total{direction="in"}`:                          100,
		`overtime_bytes_total{direction="out"}`:                         200,
		`overtime_requests_limited_total`:                               2,
		`overtime_reconnections_total`:                                  0,
		`overtime_errors_total{kind="connection_panic"}`:                0,
		`overtime_compression_ratio`:                                    1,
		`overtime_inputs_accepted_total{game="tag"}`:                    11,
		`overtime_inputs_refused_total{game="tag",reason="flood"}`:      5,
		`overtime_tick_duration_seconds_count{game="tag"}`:              0,
		`overtime_tick_lateness_seconds_bucket{game="tag",le="+Inf"}`:   0,
		`overtime_tick_duration_seconds_bucket{game="tag",le="0.0002"}`: 0,
		`overtime_state_bytes_total{stage="deflated"}`:                  0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s = %v (there: %v), want %v", name, v, ok, want)
		}
	}
	if got["go_goroutines"] < 1 {
		t.Error("nothing about the Go runtime")
	}
}

// What one collector sends is consistent, with every label that can occur.
func TestCollectorIsConsistent(t *testing.T) {
	_, n := newTest(t, nil)
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(collector{n, new(atomic.Uint64)}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Gather(); err != nil {
		t.Error(err)
	}
}

// A ratio of what went out: 1 means that nothing was gained.
func TestCompressionRatio(t *testing.T) {
	stats := new(netcode.Stats)
	stats.RawBytes.Store(200)
	stats.DeflatedBytes.Store(50)
	ch := make(chan prometheus.Metric, 1000)
	putter(ch).net(&Counters{Net: stats})
	close(ch)
	for m := range ch {
		if strings.Contains(m.Desc().String(), "compression_ratio") {
			if s := fmt.Sprint(value(t, m)); s != "0.25" {
				t.Errorf("50 of 200 bytes are a ratio of %s", s)
			}
			return
		}
	}
	t.Error("no ratio")
}

// value reads a gauge through a registry of its own.
func value(t *testing.T, m prometheus.Metric) float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(single{m})
	list, err := r.Gather()
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0].Metric[0].GetGauge().GetValue()
}

type single struct{ prometheus.Metric }

func (s single) Describe(chan<- *prometheus.Desc)    {}
func (s single) Collect(ch chan<- prometheus.Metric) { ch <- s.Metric }
