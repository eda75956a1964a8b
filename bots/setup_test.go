package bots

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A node that cannot make a match just now is asked again, for the same match; any other answer counts.
func TestMatchIsAskedForAgain(t *testing.T) {
	var keys []string
	answers := []int{503, 503, 201}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		w.WriteHeader(answers[min(len(keys), len(answers))-1])
		_, _ = w.Write([]byte(`{"match_id":"m1"}`))
	}))
	defer srv.Close()
	api := newCaller("")
	defer api.close()
	ask := func() (id string, err error) {
		err = patiently(t.Context(), func() (err error) {
			id, err = api.createMatch(t.Context(), srv.URL, "key", newMatch{Game: "tag"})
			return err
		})
		return id, err
	}
	if id, err := ask(); id != "m1" || err != nil || !slices.Equal(keys, []string{"key", "key", "key"}) {
		t.Errorf("%q, %v after %q", id, err, keys)
	}
	keys, answers = nil, []int{500, 201}
	if _, err := ask(); err == nil || len(keys) != 1 {
		t.Errorf("%v after %d calls", err, len(keys))
	}
}

// Patience ends.
func TestMatchIsNotAskedForForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := patiently(t.Context(), func() error { return &statusError{503, "busy"} })
		if took := time.Since(began); err == nil || took < setupTries || took > setupTries+time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}
