package simnet

import (
	"net"
	"strconv"

	"github.com/hashicorp/memberlist"
)

// Host is a machine on a network, on which one process runs at a time.
type Host struct {
	n    *Net
	name string
	ip   net.IP

	// Guarded by the network's lock.
	proc     *process // nil: killed and not started again
	isolated bool
	resume   chan struct{} // open while the process is stopped; nil: it runs
	held     []packet      // arrived while it was stopped
	nextPort int
}

// process is what one process on a host has open; the network's lock guards it.
type process struct {
	dead      chan struct{} // closed by Kill
	listeners map[int]*listener
	conns     map[*Conn]struct{}
	packets   *transport // at the gossip port, or nil
}

func newProcess() *process {
	return &process{dead: make(chan struct{}), listeners: map[int]*listener{}, conns: map[*Conn]struct{}{}}
}

// Name returns the name that the host was made with.
func (h *Host) Name() string { return h.name }

// IP returns the host's address without a port.
func (h *Host) IP() string { return h.ip.String() }

// Addr returns IP:PORT for a port of this host.
func (h *Host) Addr(port int) string { return net.JoinHostPort(h.IP(), strconv.Itoa(port)) }

// Transport opens the host's gossip port, 7946, for memberlist. It panics when that is open already or the process was
// killed.
func (h *Host) Transport() memberlist.NodeAwareTransport { return newTransport(h) }

// Kill ends the process on the host as kill -9 does: ports close, peers get a reset. What it had stays closed, and
// nothing can be opened until Start.
func (h *Host) Kill() {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.n.note("kill %s", h.name)
	p := h.proc
	if p == nil {
		return
	}
	h.proc, h.held = nil, nil
	close(p.dead)
	for _, l := range p.listeners {
		l.close()
	}
	for c := range p.conns {
		c.closed = true
		c.out.send(chunk{kind: kindReset})
		c.notify()
	}
	h.wake()
}

// Start starts a new process after Kill. The program under test must have ended the old one: whatever of it still calls
// Dial or Listen counts as the new one.
func (h *Host) Start() {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.n.note("start %s", h.name)
	if h.proc == nil {
		h.proc = newProcess()
	}
}

// Isolate makes the host vanish in silence, as a lost machine does, until Heal.
func (h *Host) Isolate() {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.n.note("isolate %s", h.name)
	h.isolated = true
}

// Pause stops the process (SIGSTOP) or lets it go on (SIGCONT). Connections stay open and the kernel still accepts and
// keeps what fits into its buffers, but every call of the process into the network waits.
func (h *Host) Pause(stop bool) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.n.note("pause %s: %v", h.name, stop)
	if stop && h.resume == nil {
		h.resume = make(chan struct{})
	} else if !stop {
		h.wake()
	}
}

// wake lets a stopped process go on. The lock is held.
func (h *Host) wake() {
	if h.resume == nil {
		return
	}
	close(h.resume)
	h.resume = nil
	if h.proc == nil {
		return
	}
	if h.proc.packets != nil {
		for _, p := range h.held {
			h.proc.packets.receive(p)
		}
	}
	h.held = nil
	for c := range h.proc.conns {
		c.notify()
	}
}

// gate waits while the host's process is stopped. The lock is not held.
func (h *Host) gate() {
	for {
		h.n.mu.Lock()
		resume := h.resume
		h.n.mu.Unlock()
		if resume == nil {
			return
		}
		<-resume
	}
}

// stopped says whether the process stands still.
func (h *Host) stopped() bool {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	return h.resume != nil
}
