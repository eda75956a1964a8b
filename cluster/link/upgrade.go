package link

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The upgrade from HTTP, see the package comment.
const (
	path        = "/link/v1"
	protocol    = "overtime-link"
	headerKind  = "Overtime-Link-Kind"
	headerDial  = "Overtime-Link-Dial"
	headerID    = "Overtime-Link-Id"
	headerLast  = "Overtime-Link-Last"
	maxResponse = 4 << 10 // bytes
)

// errRace says that the peer's own dial wins.
var errRace = errors.New("link: the peer dials too")

// handshake connects to a peer up to the answer to the upgrade, until ctx ends.
func (l *Links) handshake(ctx context.Context, peer, kind string, cl claim) (*tls.Conn, *bufio.Reader, error) {
	known, ok := l.cfg.Peer(peer)
	if !ok {
		return nil, nil, ErrUnknown
	}
	conf, err := l.TLSFor(peer)
	if err != nil {
		return nil, nil, err
	}
	raw, err := l.cfg.Dial(ctx, "tcp", known.Addr)
	if err != nil {
		return nil, nil, err
	}
	noDelay(raw)
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() }) // ends whatever waits on it
	c := tls.Client(raw, conf)
	r := bufio.NewReaderSize(c, maxResponse)
	err = c.HandshakeContext(ctx)
	if err == nil {
		err = upgrade(c, r, known.Addr, kind, cl)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = raw.Close() // the first error counts
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		return nil, nil, err
	}
	return c, r, nil
}

// upgrade sends the request and reads the answer's head.
func upgrade(c io.Writer, r *bufio.Reader, host, kind string, cl claim) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: %s\r\n", path, host, protocol)
	if kind != "" {
		fmt.Fprintf(&b, "%s: %s\r\n", headerKind, kind)
	}
	fmt.Fprintf(&b, "%s: %d\r\n%s: %016x\r\n%s: %016x\r\n\r\n", headerDial, cl.dial, headerID, cl.id, headerLast, cl.last)
	if _, err := c.Write(b.Bytes()); err != nil {
		return err
	}
	head, err := readHead(r)
	if err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: http.MethodGet})
	if err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	_ = resp.Body.Close() // nothing is behind it
	switch {
	case resp.StatusCode == http.StatusConflict:
		return errRace
	case resp.StatusCode == http.StatusServiceUnavailable:
		return &Error{Code: CodeBusy, Text: "too many bulk connections, or closing"}
	case resp.StatusCode != http.StatusSwitchingProtocols || !strings.EqualFold(resp.Header.Get("Upgrade"), protocol):
		return fmt.Errorf("upgrade: the peer answers %d", resp.StatusCode)
	}
	return nil
}

// readHead reads up to and with the empty line, and not a byte more.
func readHead(r *bufio.Reader) ([]byte, error) {
	var head []byte
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil, fmt.Errorf("upgrade: %w", err)
		}
		head = append(head, line...)
		switch {
		case len(head) > maxResponse:
			return nil, errors.New("upgrade: the answer is too long")
		case len(bytes.TrimRight(line, "\r\n")) == 0:
			return head, nil
		}
	}
}

// parseUpgrade checks a peer's request. kind is empty for a connection with frames.
func parseUpgrade(r *http.Request) (kind string, cl claim, ok bool) {
	h := r.Header
	if r.Method != http.MethodGet || r.URL.Path != path || !r.ProtoAtLeast(1, 1) || !strings.EqualFold(h.Get("Upgrade"), protocol) {
		return "", cl, false
	}
	upgrades := false
	for part := range strings.SplitSeq(h.Get("Connection"), ",") {
		upgrades = upgrades || strings.EqualFold(strings.TrimSpace(part), "upgrade")
	}
	var err [3]error
	cl.dial, err[0] = strconv.ParseUint(h.Get(headerDial), 10, 64)
	cl.id, err[1] = strconv.ParseUint(h.Get(headerID), 16, 64)
	cl.last, err[2] = strconv.ParseUint(h.Get(headerLast), 16, 64)
	kind = h.Get(headerKind)
	return kind, cl, upgrades && errors.Join(err[:]...) == nil && (kind == "" || validName(kind))
}

// rest reads what a hijacked connection brought with the request, then from the connection itself.
func rest(c net.Conn, r *bufio.Reader) io.Reader {
	early, err := r.Peek(r.Buffered())
	if err != nil || len(early) == 0 {
		return c
	}
	return io.MultiReader(bytes.NewReader(bytes.Clone(early)), c)
}

const accepted = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + protocol + "\r\n\r\n"

// refuse answers an upgrade on a hijacked connection and ends it.
func refuse(c net.Conn, status int, timeout time.Duration) {
	if c.SetDeadline(time.Now().Add(timeout)) == nil {
		_, _ = fmt.Fprintf(c, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status, http.StatusText(status))
	}
	_ = c.Close() // the peer has its answer or not
}

// noDelay sends small frames at once. It is the default of package net; a connection from elsewhere may differ.
func noDelay(c net.Conn) {
	if t, ok := c.(interface{ SetNoDelay(bool) error }); ok {
		_ = t.SetNoDelay(true) // slower without, not wrong
	}
}
