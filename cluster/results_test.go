package cluster

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/overtime-server/overtime/cluster/admin"
)

func TestResultsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	open := func() (*register, *resultFile) {
		reg := newRegister()
		r, err := openResults(dir, reg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return reg, r
	}
	reg, r := open()
	const n = 2*keepFinished + 10 // the file is renewed on the way
	for i := range n {
		m := admin.Match{ID: fmt.Sprintf("m%05d", i), Game: "tag", State: "ended", Outcome: "finished", Result: []byte(`{"winner":1}`)}
		reg.mu.Lock()
		reg.keepLocked(m)
		reg.mu.Unlock()
		r.add(m)
	}
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, resultsName)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"match_id":"torn","ga`); err != nil { // the process was killed
		t.Fatal(err)
	}
	f.Close()

	for range 2 { // the second start reads what the first wrote anew
		reg, r = open()
		if len(reg.finished) != keepFinished {
			t.Fatalf("%d results, want %d", len(reg.finished), keepFinished)
		}
		if _, ok := reg.result("torn"); ok {
			t.Error("half a line was taken for a result")
		}
		m, ok := reg.result(fmt.Sprintf("m%05d", n-1))
		if !ok || string(m.Result) != `{"winner":1}` || m.Outcome != "finished" {
			t.Errorf("the last result is %+v", m)
		}
		if _, ok := reg.result(fmt.Sprintf("m%05d", n-keepFinished-1)); ok {
			t.Error("a result older than the last ones is still there")
		}
		if err := r.close(); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".results-*")); len(left) != 0 {
		t.Errorf("temporary files left: %v", left)
	}
}

// Where the file cannot be written anew, the old one goes on and holds all that was kept.
func TestResultsOutliveAFullDisk(t *testing.T) {
	dir := t.TempDir()
	reg := newRegister()
	r, err := openResults(dir, reg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	path := r.path
	r.path = filepath.Join(dir, "no", "such", "directory") // as good as full
	for i := range keepFinished + 5 {
		m := admin.Match{ID: fmt.Sprintf("m%05d", i), Game: "tag"}
		reg.mu.Lock()
		reg.keepLocked(m)
		reg.mu.Unlock()
		r.add(m)
	}
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if lines := strings.Count(string(b), "\n"); err != nil || lines != keepFinished+5 {
		t.Errorf("%d results kept, want %d (%v)", lines, keepFinished+5, err)
	}
}
