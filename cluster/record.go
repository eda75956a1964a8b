package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// journalSuffix ends the names of recorded matches: MATCH_ID.otj.
const journalSuffix = ".otj"

// openJournal makes the file that a match is recorded in; nil if dir is "". A match that came from another node has a file for each of
// its owner's epochs.
func openJournal(dir, match string, epoch uint32) (*os.File, error) {
	if dir == "" {
		return nil, nil
	}
	if filepath.Base(match) != match || match == ".." || match == "." { // other nodes name matches too
		return nil, fmt.Errorf("record: match %.64q is not fit for a file name", match)
	}
	if epoch > 1 {
		match += "." + strconv.FormatUint(uint64(epoch), 10)
	}
	f, err := os.OpenFile(filepath.Join(dir, match+journalSuffix), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return f, nil
}

// dropJournal removes the file of a match that did not start.
func dropJournal(f *os.File) {
	if f != nil {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
}
