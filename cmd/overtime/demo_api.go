package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// demoAPI asks nodes over HTTP.
type demoAPI struct{ http *http.Client }

// askAgain is how long one node may take: another one, or the same again, is asked then.
const askAgain = 3 * time.Second

func newDemoAPI() *demoAPI {
	return &demoAPI{&http.Client{Timeout: askAgain, Transport: &http.Transport{}}}
}

// get fetches JSON; out may be nil.
func (a *demoAPI) get(ctx context.Context, url string, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %s", url, resp.Status)
	case out == nil:
		return nil
	}
	return json.Unmarshal(b, out)
}

// demoMatch is what the API says about a match, as far as it is told about.
type demoMatch struct {
	ID          string `json:"match_id"`
	Epoch, Tick uint32
	Players     int
	Owner       string
	Protected   bool
	Unprotected string
}

// matches returns all running matches as a node knows them. It is an error if the list may lack some: ask again.
func (a *demoAPI) matches(ctx context.Context, n *demoNode) (list []demoMatch, err error) {
	var answer struct {
		Matches []demoMatch
		Missing []string // nodes that have not answered in time
	}
	err = a.get(ctx, "http://"+n.admin+"/v1/matches?limit=1000", &answer)
	if err == nil && len(answer.Missing) > 0 {
		err = fmt.Errorf("%d nodes have not said which matches they have", len(answer.Missing))
	}
	return answer.Matches, err
}

// members returns the ids of the nodes that a node thinks are ready, by the address of their players.
func (a *demoAPI) members(ctx context.Context, n *demoNode) (ids map[string]string, err error) {
	var answer struct {
		Nodes []struct {
			ID, State string
			URL       string `json:"public_url"`
		}
	}
	err = a.get(ctx, "http://"+n.admin+"/v1/nodes", &answer)
	ids = map[string]string{}
	for _, x := range answer.Nodes {
		if x.State == "ready" {
			ids[x.URL] = x.ID
		}
	}
	return ids, err
}
