package loop

import (
	"testing"

	"go.uber.org/goleak"
)

// No test may leave a goroutine behind: of a match, of its recording, or of its own.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
