package bots

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	callTimeout = 10 * time.Second // of any HTTP call
	maxAnswer   = 4 << 20          // bytes of any answer
)

// caller makes HTTP calls with bounds on everything. For many goroutines.
type caller struct {
	http        *http.Client
	key         string // of the admin listener
	idempotency string // header Idempotency-Key of the next calls, "" for none
}

func newCaller(key string) *caller {
	return &caller{
		http: &http.Client{Timeout: callTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 32, IdleConnTimeout: 30 * time.Second}},
		key:  key,
	}
}

func (c *caller) close() { c.http.CloseIdleConnections() }

// call makes one call. in, if it is not nil, is sent as JSON; the answer is decoded into out, if that is not nil, as JSON or, into a
// *[]byte, as it is.
func (c *caller) call(ctx context.Context, method, address string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	if c.idempotency != "" {
		req.Header.Set("Idempotency-Key", c.idempotency)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, address, err)
	}
	if resp.StatusCode/100 != 2 {
		return &statusError{resp.StatusCode, fmt.Sprintf("%s %s: status %d %.200s", method, address, resp.StatusCode, detail(b))}
	}
	switch x := out.(type) {
	case nil:
	case *[]byte:
		*x = b
	default:
		if err := json.Unmarshal(b, out); err != nil {
			return fmt.Errorf("%s %s: %w", method, address, err)
		}
	}
	return nil
}

// statusError is an answer that is not 2xx.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

// detail returns what an error's body (application/problem+json) says.
func detail(b []byte) string {
	var p struct{ Title, Detail string }
	if json.Unmarshal(b, &p) != nil {
		return ""
	}
	if p.Detail != "" {
		return p.Detail
	}
	return p.Title
}

type newMatch struct {
	Game   string `json:"game"`
	Seats  int    `json:"seats,omitempty"`
	TickHz int    `json:"tick_hz,omitempty"`
	Seed   uint64 `json:"seed,omitempty"`
}

// createMatch makes a match; again with the same idempotency key it answers with the one that was made.
func (c *caller) createMatch(ctx context.Context, admin, key string, m newMatch) (id string, err error) {
	var out struct {
		ID string `json:"match_id"`
	}
	keyed := *c
	keyed.idempotency = key
	err = keyed.call(ctx, "POST", admin+"/v1/matches", m, &out)
	if err == nil && out.ID == "" {
		err = fmt.Errorf("POST %s/v1/matches: the answer has no match_id", admin)
	}
	return out.ID, err
}

func (c *caller) deleteMatch(ctx context.Context, admin, id string) error {
	return c.call(ctx, "DELETE", admin+"/v1/matches/"+url.PathEscape(id), nil, nil)
}

type newPlayer struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Bot  bool   `json:"bot"`
}

func (c *caller) tokens(ctx context.Context, admin, match string, players []newPlayer) (map[string]string, error) {
	in := map[string][]newPlayer{"players": players}
	var out struct {
		Tokens map[string]string `json:"tokens"`
	}
	err := c.call(ctx, "POST", admin+"/v1/matches/"+url.PathEscape(match)+"/tokens", in, &out)
	return out.Tokens, err
}

// route is where a match is played.
type route struct {
	URL     string `json:"url"`
	Standby string `json:"standby_url"`
	Epoch   uint32 `json:"epoch"`
}

func (c *caller) route(ctx context.Context, base, match string) (r route, err error) {
	if err = c.call(ctx, "GET", base+"/v1/route?match="+url.QueryEscape(match), nil, &r); err != nil {
		return r, err
	}
	r.URL, err = playURL(r.URL)
	return r, err
}

// nodeURLs returns the public addresses of all nodes of a cluster; some may be empty.
func (c *caller) nodeURLs(ctx context.Context, admin string) (urls []string, err error) {
	var out struct {
		Nodes []struct {
			URL string `json:"public_url"`
		}
	}
	err = c.call(ctx, "GET", admin+"/v1/nodes", nil, &out)
	for _, n := range out.Nodes {
		urls = append(urls, n.URL)
	}
	return urls, err
}

// static fetches the part of a world that never changes and checks that it is the one asked for.
func (c *caller) static(ctx context.Context, base, hash string) (b []byte, err error) {
	if err = c.call(ctx, "GET", base+"/v1/maps/"+url.PathEscape(hash), nil, &b); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	if full := hex.EncodeToString(sum[:]); len(hash) < 16 || len(hash) > len(full) || full[:len(hash)] != hash {
		return nil, fmt.Errorf("map %s: its content is another's", hash)
	}
	return b, nil
}
