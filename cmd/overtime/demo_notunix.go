//go:build !unix

package main

import (
	"errors"
	"os"
)

// suspend and resume cannot be done here.
func suspend(*os.Process) error   { return errors.ErrUnsupported }
func resume(*os.Process) error    { return errors.ErrUnsupported }
func terminate(*os.Process) error { return errors.ErrUnsupported }
