package cohort

import (
	"sync"

	"github.com/klauspost/compress/flate"
)

// Compressor (interim, being measured).
type Compressor struct{ pool sync.Pool }

type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) { a.b = append(a.b, p...); return len(p), nil }

type unit struct {
	w *flate.Writer
	a appender
}

// NewCompressor returns a compressor.
func NewCompressor() *Compressor {
	return &Compressor{pool: sync.Pool{New: func() any {
		u := &unit{}
		u.w, _ = flate.NewWriter(&u.a, 7)
		return u
	}}}
}

// Append appends msg deflated.
func (c *Compressor) Append(dst, msg []byte) ([]byte, bool) {
	u := c.pool.Get().(*unit)
	defer c.pool.Put(u)
	u.a.b = dst
	u.w.Reset(&u.a)
	u.w.Write(msg)
	u.w.Flush()
	out := u.a.b[:len(u.a.b)-4]
	u.a.b = nil
	if len(out)-len(dst) >= len(msg) {
		return dst, false
	}
	return out, true
}
