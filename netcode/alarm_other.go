//go:build !linux

package netcode

import "errors"

func newBell() (bell, error) { return nil, errors.ErrUnsupported }
