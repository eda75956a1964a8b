package replica

import (
	"bytes"

	"github.com/overtime-server/overtime/game/journal"
)

// encodeHeader writes a journal header as the beginning of a journal, so that a header has one format and one decoder.
func encodeHeader(h journal.Header) ([]byte, error) {
	var buf bytes.Buffer
	if _, err := journal.NewWriter(&buf, h); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// decodeHeader reads what encodeHeader wrote. The result shares no memory with b.
func decodeHeader(b []byte) (journal.Header, error) {
	r, err := journal.NewReader(bytes.NewReader(b))
	if err != nil {
		return journal.Header{}, err
	}
	return r.Header(), nil
}
