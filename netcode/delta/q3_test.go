package delta_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/netcode/cohort"
	"github.com/overtime-server/overtime/netcode/delta"
	"github.com/overtime-server/overtime/schema"
)

var (
	q3Dir = flag.String("q3", "", "folder with recorded matches, *.q3snap.gz, from the top of the module")
	q3Out = flag.String("q3out", "", "folder to write each connection's frames to, one WebSocket frame after the other")
)

type q3Trace struct {
	Name   string  `json:"name"`
	Frames string  `json:"frames_file"`
	Bytes  float64 `json:"bytes_mean"`
	Q3     float64 `json:"q3_bytes_mean"`
	Ratio  float64 `json:"ratio"`
}

type q3Report struct {
	Snapshots int       `json:"snapshots"`
	Errors    int       `json:"errors"`
	Mean      float64   `json:"ratio_mean"`
	Worst     float64   `json:"ratio_worst"`
	Traces    []q3Trace `json:"traces"`
}

// TestQ3Traces sends recorded Quake 3 matches as one connection would get them, reads every frame back, compares the whole
// state, and prints what it took against the bytes of the original. The mean ratio is that of the traces' ratios.
func TestQ3Traces(t *testing.T) {
	if *q3Dir == "" {
		t.Skip("needs -q3 with a folder of recorded matches")
	}
	files, err := q3Files()
	if err != nil {
		t.Fatal(err)
	}
	var rep q3Report
	for _, name := range files {
		c, err := runQ3(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		rep.Snapshots += c.snapshots
		rep.Errors += c.errors
		n := float64(max(c.snapshots, 1))
		x := q3Trace{Name: strings.TrimSuffix(filepath.Base(name), ".q3snap.gz"), Frames: c.file, Bytes: float64(c.bytes) / n, Q3: float64(c.original) / n}
		x.Ratio = x.Bytes / x.Q3
		rep.Traces = append(rep.Traces, x)
		rep.Mean += x.Ratio / float64(len(files))
		rep.Worst = max(rep.Worst, x.Ratio)
	}
	line, _ := json.Marshal(rep)
	fmt.Println(string(line))
	if rep.Errors > 0 {
		t.Errorf("%d of %d snapshots are not what was recorded", rep.Errors, rep.Snapshots)
	}
}

// q3Files returns the recorded matches, and makes the folder for what is to be written. A test runs in the folder of its
// package, but what is given is meant from the top of the module.
func q3Files() ([]string, error) {
	if *q3Out != "" {
		if !filepath.IsAbs(*q3Out) {
			*q3Out, _ = filepath.Abs(filepath.Join("..", "..", *q3Out))
		}
		if err := os.MkdirAll(*q3Out, 0o755); err != nil {
			return nil, err
		}
	}
	for _, dir := range []string{*q3Dir, filepath.Join("..", "..", *q3Dir)} {
		for _, sub := range []string{"", "q3"} {
			files, err := filepath.Glob(filepath.Join(dir, sub, "*.q3snap.gz"))
			if len(files) > 0 || err != nil {
				return files, err
			}
		}
	}
	return nil, fmt.Errorf("no recorded matches in %s", *q3Dir)
}

// q3Conn is one connection: the server's side, the bytes in between and the client's.
type q3Conn struct {
	layout *q3Layout
	every  int // snapshots per second
	rows   *game.Rows
	ring   *delta.Ring
	enc    delta.Encoder
	window *cohort.Window
	frame  []byte
	file   string
	out    *os.File

	inflate q3Inflater // the client's
	state   *delta.State
	got     q3Decoded

	snapshots, errors, bytes, original int
}

func runQ3(name string) (c *q3Conn, err error) {
	c = &q3Conn{}
	r, err := openQ3(name)
	if err != nil {
		return c, err
	}
	if err := c.init(r, name); err != nil {
		return c, err
	}
	defer func() {
		if c.out != nil {
			c.out.Close()
		}
	}()
	last := uint32(0)
	for {
		if err := r.next(); err == io.EOF {
			return c, nil
		} else if err != nil {
			return c, err
		}
		if dt := r.time() - last; dt > 0 && dt < 1000 {
			c.every = max(1, 1000/int(dt))
		}
		last = r.time()
		c.snapshots++
		c.original += r.bytes
		if err := c.send(&r.q3Snapshot); err != nil {
			return c, err
		}
		if err := c.receive(); err != nil {
			c.errors++
			return c, fmt.Errorf("snapshot %d: %w", c.snapshots, err)
		}
		if c.got.read(c.state); !c.got.equal(&r.q3Snapshot) {
			c.errors++
		}
	}
}

func (c *q3Conn) init(r *q3Reader, name string) (err error) {
	c.layout, c.every = newQ3Layout(len(r.player)), 20
	kinds := c.layout.kinds()
	tables, err := delta.NewTables(kinds)
	if err != nil {
		return err
	}
	c.rows = game.NewRows(kinds)
	c.ring = delta.NewRing(tables, game.All, 2)
	c.window = cohort.NewCompressor().NewWindow()
	c.inflate.r = flate.NewReader(nil)
	c.got = q3Decoded{layout: c.layout, player: make([]uint32, len(r.player))}
	if c.state, err = delta.NewState(kinds, 1); err != nil || *q3Out == "" {
		return err
	}
	c.file = filepath.Join(*q3Out, strings.TrimSuffix(filepath.Base(name), ".q3snap.gz")+".frames")
	c.out, err = os.Create(c.file)
	return err
}

// send makes the frame of a snapshot.
func (c *q3Conn) send(s *q3Snapshot) error {
	c.layout.rows(s, c.rows)
	n := uint32(c.snapshots)
	base := c.ring.Last()
	now := c.ring.Add(n, n, c.rows.All(), c.rows)
	msg := c.enc.Encode(base, now, delta.Options{FullHash: c.snapshots%c.every == 0})
	payload, ok := c.window.Append(nil, msg)
	if !ok {
		payload = msg
	}
	c.frame = appendQ3Frame(c.frame[:0], payload, ok)
	c.bytes += len(c.frame)
	if c.out == nil {
		return nil
	}
	_, err := c.out.Write(c.frame)
	return err
}

// appendQ3Frame appends a binary WebSocket frame as a server sends it.
func appendQ3Frame(b, payload []byte, deflated bool) []byte {
	b0 := byte(0x82)
	if deflated {
		b0 |= 0x40
	}
	switch n := len(payload); {
	case n < 126:
		b = append(b, b0, byte(n))
	case n < 1<<16:
		b = append(b, b0, 126, byte(n>>8), byte(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, b0, 127), uint64(n))
	}
	return append(b, payload...)
}

// receive reads the frame as a client does.
func (c *q3Conn) receive() error {
	b, head := c.frame, 2
	switch b[1] {
	case 126:
		head = 4
	case 127:
		head = 10
	}
	msg := b[head:]
	if b[0]&0x40 != 0 {
		var err error
		if msg, err = c.inflate.next(msg); err != nil {
			return err
		}
	}
	m, err := schema.VerifyServer(msg)
	if err != nil {
		return err
	}
	_, err = c.state.Apply(&m)
	return err
}

// q3Inflater inflates the messages of a connection whose window is kept between them.
type q3Inflater struct {
	src  bytes.Reader
	r    io.ReadCloser
	last []byte // the last plaintext, at least as much of it as can be referred to
}

func (f *q3Inflater) next(payload []byte) (msg []byte, err error) {
	const window = 1 << 15
	if len(f.last) > 8*window {
		f.last = append(f.last[:0], f.last[len(f.last)-window:]...)
	}
	at := len(f.last)
	f.src.Reset(append(payload, 0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff))
	if err := f.r.(flate.Resetter).Reset(&f.src, f.last[max(0, at-window):]); err != nil {
		return nil, err
	}
	for err == nil {
		f.last = slices.Grow(f.last, 4096)
		var n int
		n, err = f.r.Read(f.last[len(f.last):cap(f.last)])
		f.last = f.last[:len(f.last)+n]
	}
	if err != io.EOF {
		return nil, err
	}
	return f.last[at:], nil
}
