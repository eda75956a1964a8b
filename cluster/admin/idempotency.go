package admin

import (
	"crypto/sha256"
	"sync"
)

// maxKeys is how many idempotency keys are remembered; beyond that the oldest is forgotten.
const maxKeys = 1024

// idempotency remembers which request made which match, so that a retry gets the same answer instead of another match.
type idempotency struct {
	mu   sync.Mutex // held while a match is created: two requests with one key make one match
	made map[string]creation
	ring []string // keys in order of arrival, oldest at next once it is full
	next int
	max  int
}

type creation struct {
	body [sha256.Size]byte
	id   string
}

func newIdempotency(limit int) *idempotency {
	return &idempotency{made: make(map[string]creation), max: limit}
}

// do returns the match that an earlier request with this key made, or calls create. ok is false if the earlier request had
// another body. A creation that failed is not remembered.
func (d *idempotency) do(key string, body []byte, create func() (string, error)) (id string, ok bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	sum := sha256.Sum256(body)
	if c, found := d.made[key]; found {
		return c.id, c.body == sum, nil
	}
	if id, err = create(); err != nil {
		return "", true, err
	}
	if len(d.ring) < d.max {
		d.ring = append(d.ring, key)
	} else {
		delete(d.made, d.ring[d.next])
		d.ring[d.next] = key
		d.next = (d.next + 1) % d.max
	}
	d.made[key] = creation{body: sum, id: id}
	return id, true, nil
}
