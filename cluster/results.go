package cluster

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/overtime-server/overtime/cluster/admin"
)

// resultsName is the file in Config.Data with the results of the last matches, a JSON object a line.
const resultsName = "results.jsonl"

// resultFile keeps finished matches across restarts of the node. Its size is bounded: after keepFinished lines it is written anew
// with what the register still holds. A nil *resultFile keeps nothing.
type resultFile struct {
	path string               // static
	from func() []admin.Match // what a new file begins with; static
	log  *slog.Logger         // static

	mu    sync.Mutex // guards the following
	f     *os.File
	lines int // written since the file was made
}

// openResults reads what an earlier process left into reg and goes on from there.
func openResults(dir string, reg *register, log *slog.Logger) (*resultFile, error) {
	if dir == "" {
		return nil, nil
	}
	r := &resultFile{path: filepath.Join(dir, resultsName), from: reg.results, log: log}
	if err := r.load(reg); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	if err := r.renewLocked(); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return r, nil
}

// load passes over lines that are not whole: a process that was killed leaves one at most.
func (r *resultFile) load(reg *register) error {
	f, err := os.Open(r.path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	reg.mu.Lock()
	defer reg.mu.Unlock()
	for sc.Scan() {
		var m admin.Match
		if json.Unmarshal(sc.Bytes(), &m) == nil && m.ID != "" && reg.finished[m.ID].ID == "" {
			if m.Ended.IsZero() { // written by an older version
				m.Ended = m.Started
			}
			reg.keepLocked(m)
		}
	}
	return sc.Err()
}

// add appends a finished match.
func (r *resultFile) add(m admin.Match) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	renew := r.lines >= keepFinished
	if renew {
		err = r.renewLocked() // m is in the register by now
	}
	if !renew || err != nil {
		err = errors.Join(err, writeResult(r.f, &m))
		r.lines++
	}
	if err != nil {
		r.log.Error("result not kept", "match", m.ID, "err", err)
	}
}

// renewLocked replaces the file by one with what the register holds.
func (r *resultFile) renewLocked() error {
	f, err := os.CreateTemp(filepath.Dir(r.path), ".results-*") // mode 0600
	if err != nil {
		return err
	}
	for _, m := range r.from() {
		if err = writeResult(f, &m); err != nil {
			break
		}
	}
	if err == nil {
		err = os.Rename(f.Name(), r.path)
	}
	if err != nil { // on with the old file: a full disk must not cost what was kept
		_ = f.Close()
		_ = os.Remove(f.Name())
		return err
	}
	if r.f != nil {
		_ = r.f.Close() // superseded
	}
	r.f, r.lines = f, 0
	return nil
}

// writeResult writes a line.
func writeResult(f *os.File, m *admin.Match) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n')) // one write: a line is there whole or torn, never mixed
	return err
}

func (r *resultFile) close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.f.Close()
}
