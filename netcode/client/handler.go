package client

import "github.com/overtime-server/overtime/schema"

// Handler is a player's program. Its methods are called by one goroutine at a time, between the begin and the end of [Client.Run]; what they are
// handed is valid during the call only.
type Handler interface {
	// Welcome is called when a connection is ready: resumed is false for the first one, and true when the client is back. No
	// state is there at first.
	Welcome(c *Client, w *schema.Welcome, resumed bool)
	// Frame is called when a state frame was applied: c.View() is the state of the tick.
	Frame(c *Client, tick uint32)
	// Message is called once for every reliable message, in order. kind is schema.MessageGame or schema.MessageResult.
	Message(c *Client, kind uint8, data []byte)
	// Roster is called with everybody in the match whenever anything in it changes.
	Roster(c *Client, all []schema.RosterEntry)
}

// Nop is a Handler that does nothing, to be embedded.
type Nop struct{}

// Welcome does nothing.
func (Nop) Welcome(*Client, *schema.Welcome, bool) {}

// Frame does nothing.
func (Nop) Frame(*Client, uint32) {}

// Message does nothing.
func (Nop) Message(*Client, uint8, []byte) {}

// Roster does nothing.
func (Nop) Roster(*Client, []schema.RosterEntry) {}
