package link

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var sampleFrames = []frame{
	{typ: frameMessage, kind: 3, body: []byte("body")},
	{typ: frameMessage, body: []byte{}},
	{typ: frameCall, num: 1 << 60, left: 2000, name: []byte("reserve"), body: []byte("b")},
	{typ: frameAnswer, num: 7, body: []byte("answer")},
	{typ: frameFailure, num: 8, name: []byte("busy"), body: []byte("text")},
	{typ: frameCancel, num: 9, body: []byte{}},
	{typ: framePing, num: 10, body: []byte{}},
	{typ: framePong, num: 11, body: []byte{}},
	{typ: frameBye, kind: byeUnknown, body: []byte{}},
}

func TestFramesSurviveTheWire(t *testing.T) {
	var wire []byte
	for i := range sampleFrames {
		wire = appendFrame(wire, &sampleFrames[i])
	}
	big := frame{typ: frameCall, num: 1, left: 1, name: []byte(strings.Repeat("m", MaxName)), body: make([]byte, MaxBody)}
	wire = appendFrame(wire, &big)
	r := frameReader{r: bufio.NewReader(bytes.NewReader(wire))}
	for _, want := range append(sampleFrames, big) {
		if got, err := r.next(); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("type %d: %v", want.typ, err)
		}
	}
	if _, err := r.next(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	for cut := 1; cut < 12; cut++ {
		r := frameReader{r: bufio.NewReader(bytes.NewReader(wire[:cut]))}
		var err error
		for err == nil {
			_, err = r.next()
		}
		if want := io.ErrUnexpectedEOF; cut != 10 && err != want || cut == 10 && err != io.EOF {
			t.Errorf("cut after %d bytes: %v", cut, err)
		}
	}
}

func TestMalformedFramesAreRefused(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty": {}, "unknown type": {9, 0}, "type 0": {0}, "message without kind": {frameMessage},
		"short number": {framePing, 1, 2, 3}, "long ping": {framePing, 1, 2, 3, 4, 5, 6, 7, 8, 9},
		"call without method":  {frameCall, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0},
		"call with no time":    {frameCall, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'm'},
		"method of no length":  {frameCall, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0},
		"method over the end":  {frameCall, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9, 'm'},
		"method with a space":  {frameCall, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, ' '},
		"bye without reason":   {frameBye},
		"bye of bad reason":    {frameBye, 9},
		"failure of long text": append([]byte{frameFailure, 1, 0, 0, 0, 0, 0, 0, 0, 1, 'c'}, make([]byte, maxText+1)...),
		"body too large":       append([]byte{frameMessage, 1}, make([]byte, MaxBody+1)...),
	} {
		if _, err := parseFrame(b); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, head := range []string{"\x00\x00\x00\x00", "\xff\xff\xff\xff"} {
		r := frameReader{r: bufio.NewReader(strings.NewReader(head))}
		if _, err := r.next(); !errors.Is(err, ErrProtocol) || cap(r.buf) != 0 {
			t.Errorf("length %x: %v", head, err)
		}
	}
}

// FuzzFrames reads a sequence of frames; what is accepted must encode to the same bytes.
func FuzzFrames(f *testing.F) {
	var all []byte
	for i := range sampleFrames {
		f.Add(appendFrame(nil, &sampleFrames[i]))
		all = appendFrame(all, &sampleFrames[i])
	}
	f.Add(all)
	f.Add([]byte{0xff, 0xff, 0x3f, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := frameReader{r: bufio.NewReader(bytes.NewReader(b))}
		var again []byte
		for {
			fr, err := r.next()
			if err != nil {
				break
			}
			if len(fr.body) > MaxBody || len(fr.name) > MaxName {
				t.Fatal("out of bounds")
			}
			again = appendFrame(again, &fr)
		}
		if !bytes.HasPrefix(b, again) {
			t.Fatal("a frame has two encodings")
		}
		if cap(r.buf) > 2*len(b)+2*growFrame {
			t.Fatalf("%d bytes of memory for %d bytes", cap(r.buf), len(b))
		}
	})
}

// FuzzUpgrade looks at requests and answers of the upgrade.
func FuzzUpgrade(f *testing.F) {
	var b bytes.Buffer
	_ = upgrade(&b, bufio.NewReader(strings.NewReader("")), "h:1", "snapshot", claim{dial: 7, id: 1 << 63, last: 3})
	f.Add(b.Bytes())
	f.Add([]byte(accepted))
	f.Add([]byte("HTTP/1.1 409 Conflict\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b))); err == nil {
			kind, _, ok := parseUpgrade(r)
			if ok && (kind != "" && !validName(kind) || r.Method != http.MethodGet) {
				t.Fatalf("accepted kind %q of %s", kind, r.Method)
			}
		}
		if err := upgrade(io.Discard, bufio.NewReader(bytes.NewReader(b)), "h:1", "", claim{}); err == nil && !bytes.HasPrefix(b, []byte("HTTP/1.")) {
			t.Fatalf("%q is taken for an upgrade", b)
		}
	})
}

func TestUpgradeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cl := claim{rapid.Uint64().Draw(t, "dial"), rapid.Uint64().Draw(t, "id"), rapid.Uint64().Draw(t, "last")}
		kind := rapid.StringMatching(`[a-z.-]{0,64}`).Draw(t, "kind")
		var b bytes.Buffer
		if err := upgrade(&b, bufio.NewReader(strings.NewReader(accepted+"rest")), "h:1", kind, cl); err != nil {
			t.Fatal(err)
		}
		r, err := http.ReadRequest(bufio.NewReader(&b))
		if err != nil {
			t.Fatal(err)
		}
		if k, got, ok := parseUpgrade(r); !ok || k != kind || got != cl {
			t.Fatalf("%q %+v %v", k, got, ok)
		}
	})
}
