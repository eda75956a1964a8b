package netcode

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/overtime-server/overtime/schema"
)

// hopsHeader counts the nodes that a connection was passed through. A client that sets it only hurts itself.
const hopsHeader = "Overtime-Hops"

// answerMax bounds the head of another node's answer to a handshake, in bytes.
const answerMax = 4 << 10

// handshakeCopy is what another node must see of a player's handshake, to answer it as this one has. Without the Origin, which was
// checked here, against the name under which the player knows this node.
type handshakeCopy struct {
	host       string
	key        string
	protocols  string
	extensions string
	hops       int
}

// copyHandshake takes the parts of a request that CheckUpgrade has accepted.
func copyHandshake(r *http.Request) *handshakeCopy {
	hops, err := strconv.Atoi(r.Header.Get(hopsHeader))
	if r.Header.Get(hopsHeader) != "" && (err != nil || hops < 0) {
		hops = maxHops
	}
	return &handshakeCopy{
		host: r.Host, key: r.Header.Get("Sec-WebSocket-Key"), protocols: strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), ", "),
		extensions: strings.Join(r.Header.Values("Sec-WebSocket-Extensions"), ", "), hops: hops,
	}
}

// request is the handshake as the next node gets it. net/http has let no line break into the values.
func (h *handshakeCopy) request() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET /v1/play HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: %s\r\n%s: %d\r\n", h.host, h.key, h.protocols, hopsHeader, h.hops+1)
	if h.extensions != "" {
		fmt.Fprintf(&b, "Sec-WebSocket-Extensions: %s\r\n", h.extensions)
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// replay shakes hands with another node, which must answer as this one has: extension is what was promised to the player. It returns
// what came behind the answer.
func (h *handshakeCopy) replay(c io.ReadWriter, extension string) (io.Reader, error) {
	if _, err := c.Write(h.request()); err != nil {
		return nil, err
	}
	return readAnswer(c, h.key, extension)
}

// readAnswer reads and checks another node's answer.
func readAnswer(c io.Reader, key, extension string) (io.Reader, error) {
	br := bufio.NewReader(io.LimitReader(c, answerMax))
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	_ = resp.Body.Close() // an answer with 101 has none
	head := resp.Header
	switch {
	case resp.StatusCode != http.StatusSwitchingProtocols:
		return nil, fmt.Errorf("answer: status %d", resp.StatusCode)
	case head.Get("Sec-WebSocket-Accept") != acceptKey(key):
		return nil, errors.New("answer: wrong key")
	case head.Get("Sec-WebSocket-Protocol") != schema.Subprotocol:
		return nil, errors.New("answer: another protocol")
	case strings.Join(head.Values("Sec-WebSocket-Extensions"), ", ") != extension:
		return nil, errors.New("answer: another extension")
	}
	rest, _ := br.Peek(br.Buffered())
	return bytes.NewReader(rest), nil
}

// acceptKey is what RFC 6455 4.2.2 wants as the answer to a key.
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
