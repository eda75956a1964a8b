package cluster

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"time"
)

// attempt sends a result once. asked is for how long the receiver wants to be left alone.
func (w *webhook) attempt(x *delivery) (v verdict, asked time.Duration) {
	body, err := w.spool.get(x.seq)
	if err != nil {
		w.log.Error("result cannot be read", "err", err)
		return refused, 0
	}
	r, err := http.NewRequestWithContext(w.life, http.MethodPost, w.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return refused, 0 // the URL was checked
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "overtime")
	r.Header.Set("Overtime-Signature", sign(w.secret, time.Now(), body))
	a, err := w.client.Do(r)
	if err != nil {
		return failed, 0
	}
	defer a.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(a.Body, 64<<10)) // so that the connection can be used again
	switch code := a.StatusCode; {
	case code >= 200 && code <= 299:
		return delivered, 0
	case code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout:
		seconds, _ := strconv.Atoi(a.Header.Get("Retry-After"))
		return failed, time.Duration(min(max(seconds, 0), 3600)) * time.Second
	}
	return refused, 0
}

// sign is the value of Overtime-Signature.
func sign(secret []byte, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(t + "."))
	h.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(h.Sum(nil))
}
