package game

import "testing"

// Every channel is of one sort, and gives back whose it is.
func TestChannels(t *testing.T) {
	for _, n := range []uint32{0, 1, 255, 1<<30 - 1} {
		if p, ok := Own(n).IsOwn(); !ok || p != n {
			t.Errorf("Own(%d).IsOwn() = %d, %t", n, p, ok)
		}
		if team, ok := Team(n).IsTeam(); !ok || team != n {
			t.Errorf("Team(%d).IsTeam() = %d, %t", n, team, ok)
		}
		if _, ok := Team(n).IsOwn(); ok {
			t.Errorf("Team(%d) is somebody's own", n)
		}
		if _, ok := Own(n).IsTeam(); ok {
			t.Errorf("Own(%d) is a team's", n)
		}
	}
	_, own := All.IsOwn()
	_, team := All.IsTeam()
	if own || team {
		t.Error("All is somebody's")
	}
}

func TestMergeInputs(t *testing.T) {
	if _, ok := MergeInputs(nil); ok {
		t.Error("no samples merge into one")
	}
	s := []Input{{Seq: 1, Buttons: 1, Axes: [4]int16{5}}, {Seq: 2, Buttons: 4, Axes: [4]int16{7}}}
	in, ok := MergeInputs(s)
	if !ok || in.Seq != 2 || in.Axes[0] != 7 || in.Buttons != 5 {
		t.Errorf("merged into %+v", in)
	}
	if s[0].Buttons != 1 || s[1].Buttons != 4 {
		t.Error("merging changed the samples")
	}
}
