package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overtime-server/overtime/cluster/admin"
)

// Webhook says where the results of matches are delivered, at least once each, by the node on which the match ended, or in its stead by
// another one that keeps the result until then. The request is a
// POST of the match as GET /v1/matches/{id} shows it, with an "id" that is the same in every repeat. Its header
// Overtime-Signature is t=UNIX,v1=HEX with HEX the HMAC-SHA256 of UNIX, a point and the body under the secret. A status of 200 to 299
// means that the result has arrived. Results may arrive in any order.
type Webhook struct {
	URL        string // http or https; "": results are delivered nowhere. It needs Config.Data, where they are kept until then
	SecretFile string // file with the secret, at least 16 bytes; white space around it is ignored
	AtOnce     int    // deliveries on their way at a time, 1 to 4; default 2

	transport http.RoundTripper // tests put one here; nil: the machine's
}

func (c *Webhook) validate(data string) error {
	if c.URL == "" {
		return nil
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil:
		return errors.New("the URL must be http or https, with a host and without a password") // which is not repeated here: it may hold a secret
	case data == "":
		return errors.New("results are kept until they are delivered, which needs a data directory")
	case c.SecretFile == "":
		return errors.New("a secret file is missing")
	case c.AtOnce < 0 || c.AtOnce > 4:
		return fmt.Errorf("%d deliveries at a time, want 1 to 4", c.AtOnce)
	}
	return nil
}

const (
	webhookDir   = "webhook"        // in Config.Data
	minSecret    = 16               // bytes
	attemptTime  = 10 * time.Second // for one delivery
	webhookGrace = 2 * time.Second  // for what can be delivered when the node stops
)

// webhook delivers results. A nil *webhook delivers nothing.
type webhook struct {
	// static
	cfg    Webhook
	secret []byte
	client *http.Client
	spool  spool
	log    *slog.Logger
	life   context.Context // of the attempts
	end    context.CancelFunc
	wake   chan struct{} // room for one
	stop   chan struct{}
	over   chan struct{} // closed when its goroutines have ended

	once sync.Once                // closes stop
	told func(node, match string) // a second node need not keep a result any more; nil: nobody does

	delivered, attempts, dropped atomic.Uint64

	mu   sync.Mutex // guards the following
	seq  uint64     // of the last result
	list deliveries
	also map[uint64]copyOf // by number: which result this is and who keeps it too, where that is known
}

// copyOf says where a result is besides.
type copyOf struct {
	match string
	node  string // "": nowhere
}

// openWebhook goes on with what an earlier process has not delivered. told hears of results that a second node need not keep any more, from
// any goroutine; it may be nil. It returns nil where there is no webhook.
func openWebhook(cfg Webhook, data string, told func(node, match string), log *slog.Logger) (*webhook, error) {
	if err := cfg.validate(data); err != nil || cfg.URL == "" {
		return nil, err
	}
	secret, err := os.ReadFile(cfg.SecretFile)
	if err != nil {
		return nil, err
	}
	if secret = bytes.TrimSpace(secret); len(secret) < minSecret {
		return nil, fmt.Errorf("%s: the secret has %d bytes, want at least %d", cfg.SecretFile, len(secret), minSecret)
	}
	files, left, err := openSpool(filepath.Join(data, webhookDir))
	if err != nil {
		return nil, err
	}
	w := &webhook{
		cfg: cfg, secret: secret, spool: files, log: log, told: told, also: map[uint64]copyOf{}, wake: make(chan struct{}, 1), stop: make(chan struct{}), over: make(chan struct{}),
		list: deliveries{rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), limit: orDefault(cfg.AtOnce, 2), most: maxWaiting},
	}
	if w.cfg.transport == nil {
		w.cfg.transport = http.DefaultTransport.(*http.Transport).Clone() // whose idle connections are ours to close
	}
	w.client = &http.Client{
		Transport: w.cfg.transport, Timeout: attemptTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a redirect is no 2xx
	}
	w.life, w.end = context.WithCancel(context.Background())
	for _, seq := range left {
		w.seq = seq
		w.giveWay(w.list.add(time.Now(), seq))
	}
	go w.run()
	return w, nil
}

// add keeps a result until it is delivered, unless it is kept already. second is another node that keeps it too; "": none. It is called
// by a goroutine that may wait for the disk.
func (w *webhook) add(m admin.Match, second string) {
	if w == nil || w.has(m.ID) {
		return
	}
	body, err := json.Marshal(struct {
		ID string `json:"id"`
		admin.Match
	}{"result-" + m.ID, m}) // a match ends once, so that two nodes that both believe to have ended it repeat each other
	w.mu.Lock()
	w.seq++
	seq := w.seq
	w.mu.Unlock()
	if err == nil {
		err = w.spool.put(seq, body)
	}
	if err != nil {
		w.dropped.Add(1)
		w.log.Error("result will not be delivered", "match", m.ID, "err", err)
		return
	}
	w.mu.Lock()
	w.also[seq] = copyOf{m.ID, second}
	gone := w.list.add(time.Now(), seq)
	w.mu.Unlock()
	w.giveWay(gone)
	w.signal()
}

// giveWay gives a result up for which there is no room; 0 is none.
func (w *webhook) giveWay(seq uint64) {
	if seq == 0 {
		return
	}
	w.dropped.Add(1)
	w.log.Error("too many results wait for the webhook: the oldest is given up", "most", maxWaiting)
	w.forget(seq)
}

// forget ends the care for a result, here and where it is besides.
func (w *webhook) forget(seq uint64) {
	w.mu.Lock()
	x := w.also[seq]
	delete(w.also, seq)
	w.mu.Unlock()
	w.release(x)
	if err := w.spool.drop(seq); err != nil {
		w.log.Error("delivered result", "err", err) // it will be delivered again after a restart
	}
}

func (w *webhook) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run starts every delivery at its time. When the node stops, what is due is still tried.
func (w *webhook) run() {
	defer close(w.over)
	var attempts sync.WaitGroup
	defer attempts.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	stop := w.stop
	for w.life.Err() == nil {
		w.mu.Lock()
		x, after := w.list.next(time.Now())
		idle := x == nil && w.list.flying == 0
		w.mu.Unlock()
		if x != nil {
			attempts.Go(func() { w.try(x) })
			continue
		}
		if stop == nil && idle {
			return
		}
		timer.Stop()
		if after > 0 {
			timer.Reset(after)
		}
		select {
		case <-w.wake:
		case <-timer.C:
		case <-stop:
			stop = nil
		case <-w.life.Done():
			return
		}
	}
}

// try delivers a result once.
func (w *webhook) try(x *delivery) {
	v, asked := w.attempt(x)
	switch v {
	case delivered:
		w.delivered.Add(1)
		w.forget(x.seq)
	default:
		w.attempts.Add(1)
	}
	w.mu.Lock()
	was := w.list.open()
	w.list.done(time.Now(), x, v, asked)
	is := w.list.open()
	w.mu.Unlock()
	if was != is {
		w.log.Warn("webhook", "answers", !is, "pending", w.counters().Pending)
	}
	w.signal()
}

// close delivers what can be delivered within a grace and keeps the rest on disk. It may be called again.
func (w *webhook) close() {
	if w == nil {
		return
	}
	w.once.Do(func() { close(w.stop) })
	select {
	case <-w.over:
	case <-time.After(webhookGrace):
	}
	w.end()
	<-w.over
	w.client.CloseIdleConnections()
}

func (w *webhook) counters() *admin.WebhookCounters {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return &admin.WebhookCounters{
		Pending: w.list.pending(), Open: w.list.open(),
		Delivered: w.delivered.Load(), Attempts: w.attempts.Load(), Dropped: w.dropped.Load(),
	}
}
