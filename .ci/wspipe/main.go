// Wspipe is one WebSocket connection of another implementation, coder or gorilla, for a program on the other end of two pipes: see
// netcode/web/browser/pipe.py, which is the same for Python and describes the packets.
//
//	wspipe coder|gorilla URL SUBPROTOCOL
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
)

const (
	readLimit = 1 << 20
	pingEvery = 600 * time.Millisecond
)

// conn is a connection. ping returns once a ping with payload is answered, or fails; it and write are called by one goroutine each.
type conn interface {
	read() ([]byte, error)
	write([]byte) error
	ping() error
	close()
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("wspipe: ")
	if len(os.Args) != 4 {
		log.Fatal("usage: wspipe coder|gorilla URL SUBPROTOCOL")
	}
	dial := map[string]func(url, protocol string) (conn, *http.Response, error){"coder": dialCoder, "gorilla": dialGorilla}[os.Args[1]]
	if dial == nil {
		log.Fatalf("unknown implementation %q", os.Args[1])
	}
	c, resp, err := dial(os.Args[2], os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	packet('O', []byte(resp.Header.Get("Sec-WebSocket-Extensions")))
	serve(c)
}

// serve carries messages to and fro until either side ends.
func serve(c conn) {
	ended := make(chan error, 3)
	go func() { ended <- receive(c) }()
	go func() { ended <- send(c) }()
	go func() { ended <- pings(c) }()
	err := <-ended
	c.close()
	if err != nil {
		log.Print(err)
	}
	packet('C', binary.LittleEndian.AppendUint16(nil, 1006))
}

func receive(c conn) error {
	for {
		p, err := c.read()
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		packet('M', p)
	}
}

func send(c conn) error {
	in := bufio.NewReader(os.Stdin)
	for {
		var head [5]byte
		if _, err := io.ReadFull(in, head[:]); errors.Is(err, io.EOF) || head[0] == 'C' {
			return nil
		} else if err != nil {
			return err
		}
		p := make([]byte, binary.LittleEndian.Uint32(head[1:]))
		if _, err := io.ReadFull(in, p); err != nil {
			return err
		}
		if err := c.write(p); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
}

func pings(c conn) error {
	for range time.Tick(pingEvery) {
		if err := c.ping(); err != nil {
			return fmt.Errorf("ping: %w", err)
		}
		packet('P', nil)
	}
	return nil
}

var out sync.Mutex

// packet writes one packet.
func packet(kind byte, p []byte) {
	b := append(binary.LittleEndian.AppendUint32([]byte{kind}, uint32(len(p))), p...)
	out.Lock()
	defer out.Unlock()
	if _, err := os.Stdout.Write(b); err != nil {
		os.Exit(1)
	}
}

type coderConn struct{ *websocket.Conn }

func dialCoder(url, protocol string) (conn, *http.Response, error) {
	c, resp, err := websocket.Dial(context.Background(), url, &websocket.DialOptions{
		Subprotocols: []string{protocol}, CompressionMode: websocket.CompressionContextTakeover,
	})
	if err != nil {
		return nil, nil, err
	}
	c.SetReadLimit(readLimit)
	return coderConn{c}, resp, nil
}

func (c coderConn) read() ([]byte, error) {
	_, p, err := c.Read(context.Background())
	return p, err
}

func (c coderConn) write(p []byte) error {
	return c.Write(context.Background(), websocket.MessageBinary, p)
}

func (c coderConn) ping() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c.Ping(ctx) // with a number as payload
}

func (c coderConn) close() { c.CloseNow() }

type gorillaConn struct {
	*gorilla.Conn
	pong chan string
}

func dialGorilla(url, protocol string) (conn, *http.Response, error) {
	d := gorilla.Dialer{Subprotocols: []string{protocol}, EnableCompression: true}
	c, resp, err := d.Dial(url, nil)
	if err != nil {
		return nil, nil, err
	}
	c.SetReadLimit(readLimit)
	g := gorillaConn{c, make(chan string, 1)}
	c.SetPongHandler(func(p string) error {
		g.pong <- p
		return nil
	})
	return g, resp, nil
}

func (g gorillaConn) read() ([]byte, error) {
	_, p, err := g.ReadMessage()
	return p, err
}

func (g gorillaConn) write(p []byte) error { return g.WriteMessage(gorilla.BinaryMessage, p) }

func (g gorillaConn) ping() error {
	payload := bytes.Repeat([]byte{7}, 100)
	if err := g.WriteControl(gorilla.PingMessage, payload, time.Now().Add(time.Second)); err != nil {
		return err
	}
	select {
	case p := <-g.pong:
		if p != string(payload) {
			return fmt.Errorf("%d other bytes came back", len(p))
		}
		return nil
	case <-time.After(5 * time.Second):
		return errors.New("no answer")
	}
}

func (g gorillaConn) close() { g.Close() }
