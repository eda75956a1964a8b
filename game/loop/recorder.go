package loop

import (
	"io"

	"github.com/overtime-server/overtime/game/journal"
)

// recorder writes a match's journal behind a spool, so that no disk can hold up a tick.
type recorder struct {
	spool *journal.Spool
	w     *journal.Writer // nil: not recording
}

// spoolLimit is how many bytes may wait for the disk; past it the recording ends, torn but readable.
const spoolLimit = 4 << 20

// open begins a recording, with a checkpoint if the match did not begin here.
func (r *recorder) open(w io.Writer, c *Core) error {
	if w == nil {
		return nil
	}
	r.spool = journal.NewSpool(w, spoolLimit)
	var err error
	r.w, err = journal.NewWriter(r.spool, c.head)
	if err == nil && c.tick > 0 {
		err = r.w.WriteCheckpoint(c.tick, c.Save())
	}
	if err != nil {
		r.spool.Close()
	}
	return err
}

// write adds a tick, and a checkpoint every so many. After an error nothing more is written.
func (r *recorder) write(rec *journal.Record, c *Core, every uint32) error {
	if r.w == nil {
		return nil
	}
	err := r.w.WriteRecord(rec)
	if err == nil && rec.Tick%every == 0 {
		err = r.w.WriteCheckpoint(rec.Tick, c.Save())
	}
	if err != nil {
		r.w = nil
	}
	return err
}

func (r *recorder) close(why string) error {
	if r.spool == nil {
		return nil
	}
	var err error
	if r.w != nil {
		err = r.w.End(why)
	}
	if e := r.spool.Close(); err == nil {
		err = e
	}
	return err
}
