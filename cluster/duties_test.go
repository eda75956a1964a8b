package cluster

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overtime-server/overtime/cluster/guard"
	"github.com/overtime-server/overtime/game/loop"
)

// What a node remembers of matches that it had a part in does not grow for ever: a full book remembers nothing more.
func TestPartsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &Node{id: "n1", began: time.Now(), duties: duties{all: map[string]*duty{}}}
		part := func(match string) {
			d, err := n.protect(match)
			if err != nil {
				t.Fatal(err)
			}
			n.duties.drop(d)
		}
		for _, match := range []string{"m1", "m2", "m3"} {
			part(match)
		}
		if got := n.duties.book.Len(); got != 3 {
			t.Errorf("%d matches remembered, want 3", got)
		}
		time.Sleep(bookFor*time.Millisecond + time.Second)
		part("m4")
		if got := n.duties.book.Len(); got != 1 {
			t.Errorf("%d matches remembered after ten minutes, want the new one", got)
		}
	})
}

// A match that could not be made here may be made elsewhere, where this node may then be wanted as a standby.
func TestNoMemoryOfWhatDidNotBegin(t *testing.T) {
	n := startCluster(t, 1, nil)[0]
	if _, err := n.launch(loop.Config{ID: "m1", Game: n.cfg.Games[0], Hz: -1}, askCreate{}); err == nil {
		t.Fatal("a match with a negative tick rate was made")
	}
	n.duties.mu.Lock()
	defer n.duties.mu.Unlock()
	if tomb := n.duties.book.Tomb("m1"); tomb != (guard.List{}) || n.duties.all["m1"] != nil {
		t.Errorf("the node believes to have a part in a match that never was: %+v", tomb)
	}
}

// Whatever takes a match away ends the move that was under way: else it could never be moved again if it came back.
func TestMoveEndsWithOwnership(t *testing.T) {
	d := (&Node{id: "n1"}).newDuty("m1")
	done := make(chan error, 1)
	d.move = done
	d.stepDown(&guard.Action{Kind: guard.ActStop, Why: guard.Over})
	if d.move != nil || len(done) != 1 {
		t.Error("a move goes on with nothing to move")
	}
}

// A drain does not wait for a match longer than it may, and not at all for one that is gone.
func TestMovesHaveAnEnd(t *testing.T) {
	h := &hosted{gone: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.left(ctx); err == nil {
		t.Error("a match that runs has left")
	}
	close(h.gone)
	if err := (&Node{}).moveAway(t.Context(), h); err != nil {
		t.Errorf("a match that is gone cannot be moved: %v", err)
	}
}

// What other nodes send is bounded, whatever it is; what this node says to itself always arrives.
func TestMailIsBounded(t *testing.T) {
	m := newMailbox()
	for i := range mailLimit {
		if !m.put(letter{kind: letterGuard}) {
			t.Fatalf("letter %d was refused", i)
		}
	}
	for kind, want := range map[letterKind]bool{letterReplica: false, letterSnapshot: false, letterDown: true, letterOver: true} {
		if got := m.put(letter{kind: kind}); got != want {
			t.Errorf("letter of kind %d taken: %v, want %v", kind, got, want)
		}
	}
	if letters, _ := m.take(nil); len(letters) != mailLimit+2 {
		t.Errorf("%d letters, want %d", len(letters), mailLimit+2)
	}
	if !m.put(letter{kind: letterSnapshot}) {
		t.Error("no room after all letters were taken")
	}
}

// The names of matches come from other nodes too: a recording stays in its directory.
func TestRecordingsStayWhereTheyBelong(t *testing.T) {
	dir := t.TempDir()
	for match, want := range map[string]bool{"m1": true, "../m1": false, "a/b": false, "..": false, "/m1": false} {
		f, err := openJournal(dir, match, 2)
		if (err == nil) != want {
			t.Errorf("match %q: %v", match, err)
		}
		if f != nil {
			_ = f.Close()
		}
	}
}
