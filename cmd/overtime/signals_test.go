package main

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
)

// The first signal asks for a graceful end, the second for one at once.
func TestTwoSignals(t *testing.T) {
	signals := make(chan os.Signal, 2)
	p := process{env: func(string) string { return "" }, out: io.Discard, err: io.Discard, signals: signals}
	cmd := &command{name: "wait", run: func(c *call) error {
		if c.ctx.Err() != nil || c.now.Err() != nil {
			return errors.New("over before any signal")
		}
		signals <- syscall.SIGTERM
		<-c.ctx.Done()
		if c.now.Err() != nil {
			return errors.New("one signal ended it at once")
		}
		signals <- syscall.SIGTERM
		<-c.now.Done()
		return foundError{errors.New("found")}
	}}
	if code := p.call(cmd, nil); code != exitFound {
		t.Errorf("exit code %d, want %d", code, exitFound)
	}
}
