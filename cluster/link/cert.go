package link

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// NewCertificate makes the certificate of a process and returns it with the hash that goes into Peer.Cert. The id is its
// common name. It is kept in memory only, and lives as long as the process: nobody checks its dates.
func NewCertificate(id string) (tls.Certificate, [32]byte, error) {
	if !validName(id) {
		return tls.Certificate{}, [32]byte{}, errors.New("link: the node id must be 1 to 64 printable ASCII bytes")
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, [32]byte{}, fmt.Errorf("link: certificate: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: id},
		NotBefore:    time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, public, private)
	if err != nil {
		return tls.Certificate{}, [32]byte{}, fmt.Errorf("link: certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, hash(der), nil
}

// certificateID returns the node id that a certificate claims.
func certificateID(der []byte) (string, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return "", fmt.Errorf("link: certificate: %w", err)
	}
	if !validName(c.Subject.CommonName) {
		return "", errors.New("link: the certificate names no node")
	}
	return c.Subject.CommonName, nil
}

// TLS returns the configuration for the link listener: clients must present the certificate that Config.Peer knows for
// the id in it. Every request on that listener therefore comes from a known node; From says which.
func (l *Links) TLS() *tls.Config {
	c := l.tlsBase()
	c.ClientAuth = tls.RequireAnyClientCert
	c.VerifyConnection = func(s tls.ConnectionState) error {
		_, err := l.identify(&s)
		return err
	}
	return c
}

// TLSFor returns the configuration for requests to a peer's link listener: it accepts that peer's certificate and no
// other, and presents this node's. ErrUnknown if the peer is not known.
func (l *Links) TLSFor(peer string) (*tls.Config, error) {
	if _, ok := l.cfg.Peer(peer); !ok || peer == l.cfg.ID {
		return nil, ErrUnknown
	}
	c := l.tlsBase()
	c.InsecureSkipVerify = true // there is no authority to ask: the certificate is pinned below
	c.VerifyConnection = func(s tls.ConnectionState) error {
		id, err := l.identify(&s)
		if err == nil && id != peer {
			l.count.refused.Add(1)
			return fmt.Errorf("link: %s answers in place of %s", id, peer)
		}
		return err
	}
	return c, nil
}

// tlsBase is what both ends have in common. Sessions are never resumed, so that each handshake shows a certificate.
func (l *Links) tlsBase() *tls.Config {
	return &tls.Config{
		MinVersion:                  tls.VersionTLS13,
		Certificates:                []tls.Certificate{l.cfg.Cert},
		NextProtos:                  []string{"http/1.1"},
		SessionTicketsDisabled:      true,
		DynamicRecordSizingDisabled: true, // a batch is one record
	}
}

// identify returns the node at the other end, which has proven that it holds the key of the pinned certificate.
func (l *Links) identify(s *tls.ConnectionState) (string, error) {
	id, err := l.pinned(s)
	if err != nil {
		l.count.refused.Add(1)
	}
	return id, err
}

func (l *Links) pinned(s *tls.ConnectionState) (string, error) {
	if s == nil || s.Version < tls.VersionTLS13 || len(s.PeerCertificates) != 1 {
		return "", errors.New("link: TLS 1.3 with one certificate is required")
	}
	cert := s.PeerCertificates[0]
	id := cert.Subject.CommonName
	if !validName(id) || id == l.cfg.ID {
		return "", errors.New("link: the certificate names no other node")
	}
	p, ok := l.cfg.Peer(id)
	if !ok {
		return "", fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	if hash(cert.Raw) != p.Cert {
		return "", fmt.Errorf("link: not the certificate of %s", id)
	}
	return id, nil
}
