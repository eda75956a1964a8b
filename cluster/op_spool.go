package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// spool keeps results on disk until they are delivered: a file each, its name a number that grows. Different files may be used by
// different goroutines at once.
type spool struct{ dir string }

const spoolSuffix = ".json"

// openSpool makes the directory, and returns the numbers of what an earlier process left, ascending.
func openSpool(dir string) (s spool, left []uint64, err error) {
	if err = os.MkdirAll(dir, 0o700); err != nil {
		return s, nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return s, nil, err
	}
	s.dir = dir
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), spoolSuffix)
		seq, err := strconv.ParseUint(name, 16, 64)
		switch {
		case ok && err == nil && seq > 0:
			left = append(left, seq)
		case strings.HasPrefix(e.Name(), ".new-"): // of a process that was killed
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(left)
	return s, left, nil
}

func (s spool) path(seq uint64) string {
	return filepath.Join(s.dir, fmt.Sprintf("%016x%s", seq, spoolSuffix))
}

// put writes a result: it is there whole or not at all.
func (s spool) put(seq uint64, body []byte) error {
	f, err := os.CreateTemp(s.dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), s.path(seq))
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error counts
	}
	return err
}

func (s spool) get(seq uint64) ([]byte, error) { return os.ReadFile(s.path(seq)) }

func (s spool) drop(seq uint64) error { return os.Remove(s.path(seq)) }
