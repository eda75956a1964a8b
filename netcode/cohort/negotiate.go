package cohort

import (
	"net/http"
	"strings"
)

// Class says which compressed frames a connection may be sent. Uncompressed frames are always allowed.
type Class uint8

const (
	// Plain: nothing was negotiated, no frame may be compressed.
	Plain Class = iota
	// NoContext: the client keeps no window between messages, so a compressed frame must refer to nothing outside of itself.
	NoContext
	// Cohort: the client keeps a window of 32 KiB over all compressed frames. Self-contained frames are allowed too.
	Cohort
)

const extension = "permessage-deflate"

// GWSOffer is the one offer that gws is shown in place of the client's when something was negotiated: gws looks for
// words anywhere in the header and would accept what must be declined. It then inflates what comes and keeps no window.
const GWSOffer = extension + "; client_no_context_takeover"

// Negotiate picks the first acceptable offer of permessage-deflate (RFC 7692) from the request header and returns the
// class and the value of Sec-WebSocket-Extensions for the answer, "" for Plain. An offer with an unknown or repeated
// parameter, a bad value or a server window below 15 bits is declined, and the next one is looked at; a header that
// does not follow the grammar ends the search. The answer always has client_no_context_takeover, since the server
// keeps no window per client.
func Negotiate(h http.Header) (Class, string) {
	for _, line := range h.Values("Sec-WebSocket-Extensions") {
		p := parser{rest: line}
		for {
			o, more, ok := p.offer()
			if !ok {
				return Plain, ""
			}
			if o.name == extension && !o.bad {
				return o.answer()
			}
			if !more {
				break
			}
		}
	}
	return Plain, ""
}

// offer is one element of the header as far as this package understands it.
type offer struct {
	name                                                     string
	serverNoContext, clientNoContext, serverBits, clientBits bool // parameters seen
	bad                                                      bool // it has to be declined
}

// answer returns class and response for an offer that is accepted. A parameter that binds the server has to be repeated.
func (o *offer) answer() (Class, string) {
	const (
		context, noContext = extension + "; client_no_context_takeover", extension + "; server_no_context_takeover; client_no_context_takeover"
		bits               = "; server_max_window_bits=15"
	)
	switch {
	case o.serverNoContext && o.serverBits:
		return NoContext, noContext + bits
	case o.serverNoContext:
		return NoContext, noContext
	case o.serverBits:
		return Cohort, context + bits
	}
	return Cohort, context // constants: every connection keeps its answer
}

// param takes one parameter into account; has says that it came with a value.
func (o *offer) param(name, value string, has bool) {
	once := func(seen *bool, ok bool) {
		if *seen || !ok {
			o.bad = true
		}
		*seen = true
	}
	switch name {
	case "server_no_context_takeover":
		once(&o.serverNoContext, !has)
	case "client_no_context_takeover":
		once(&o.clientNoContext, !has)
	case "server_max_window_bits":
		once(&o.serverBits, value == "15")
	case "client_max_window_bits":
		once(&o.clientBits, !has || windowBits(value))
	default:
		o.bad = true
	}
}

// windowBits says whether v is 8 to 15, in decimal without leading zeros.
func windowBits(v string) bool {
	switch v {
	case "8", "9", "10", "11", "12", "13", "14", "15":
		return true
	}
	return false
}

// parser reads the grammar of RFC 6455 section 9.1: a list of tokens with parameters, whose values are tokens or
// quoted strings.
type parser struct{ rest string }

// offer reads one element of the list and what separates it from the next. An empty element has an empty name.
func (p *parser) offer() (o offer, more, ok bool) {
	p.space()
	o.name = p.token()
	for {
		p.space()
		switch {
		case p.rest == "":
			return o, false, true
		case p.take(','):
			return o, true, true
		case o.name == "" || !p.take(';'):
			return o, false, false
		}
		p.space()
		name := p.token()
		if name == "" {
			return o, false, false
		}
		p.space()
		if !p.take('=') {
			o.param(name, "", false)
			continue
		}
		p.space()
		value, ok := p.value()
		if !ok {
			return o, false, false
		}
		o.param(name, value, true)
	}
}

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " \t") }

func (p *parser) take(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// token reads a token of RFC 9110 section 5.6.2, "" if there is none.
func (p *parser) token() string {
	i := 0
	for i < len(p.rest) && tokenChar(p.rest[i]) {
		i++
	}
	t := p.rest[:i]
	p.rest = p.rest[i:]
	return t
}

// value reads a token or a quoted string, which must be a token inside the quotes.
func (p *parser) value() (string, bool) {
	quoted := p.take('"')
	v := p.token()
	if v == "" || (quoted && !p.take('"')) {
		return "", false
	}
	return v, true
}

func tokenChar(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
