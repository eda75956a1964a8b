package member

import (
	"errors"
	"fmt"
)

// Meta is what a node says about itself once and for all. It travels in every announcement of the node, so it is small
// and does not change while the process lives.
type Meta struct {
	Wire   uint8    // version of what nodes say to each other, from 1
	Build  string   // of the program, for operators
	Region string   // where the node is; "" is a region of its own
	Link   string   // HOST:PORT of the listener for other nodes
	URL    string   // public ws:// or wss:// URL for players; "" when players cannot reach the node directly
	Cert   [32]byte // SHA-256 of the certificate that the node uses on links
	Player string   // HOST:PORT of the listener for players, as other nodes reach it
}

// MaxMeta is the longest encoded Meta in bytes, a limit of memberlist.
const MaxMeta = 512

const metaFormat = 1 // first byte of an encoded Meta

var errMeta = errors.New("malformed node meta")

// encode returns the bytes that decodeMeta reads. Layout: format, wire, certificate, then the strings with a length byte
// each. Later formats append; unknown bytes at the end are skipped.
func (m *Meta) encode() ([]byte, error) {
	b := append(make([]byte, 0, 128), metaFormat, m.Wire)
	b = append(b, m.Cert[:]...)
	for _, s := range [...]string{m.Build, m.Region, m.Link, m.URL, m.Player} {
		if len(s) > 255 || !printable(s) {
			return nil, fmt.Errorf("node meta: %.40q is longer than 255 bytes or not printable ASCII", s)
		}
		b = append(append(b, byte(len(s))), s...)
	}
	if len(b) > MaxMeta {
		return nil, fmt.Errorf("node meta takes %d bytes, at most %d fit", len(b), MaxMeta)
	}
	return b, nil
}

// decodeMeta reads what encode wrote, or any bytes of a peer.
func decodeMeta(b []byte) (Meta, error) {
	var m Meta
	if len(b) > MaxMeta || len(b) < 2+len(m.Cert) || b[0] != metaFormat {
		return Meta{}, errMeta
	}
	m.Wire = b[1]
	b = b[2+copy(m.Cert[:], b[2:]):]
	for _, s := range [...]*string{&m.Build, &m.Region, &m.Link, &m.URL, &m.Player} {
		if len(b) < 1 || len(b) < 1+int(b[0]) {
			return Meta{}, errMeta
		}
		*s = string(b[1 : 1+int(b[0])])
		if !printable(*s) {
			return Meta{}, errMeta
		}
		b = b[1+len(*s):]
	}
	return m, nil
}

// printable reports whether s holds nothing but printable ASCII, spaces included.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// validID reports whether s may be the id of a node: 1 to 64 bytes of printable ASCII without spaces.
func validID(s string) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
