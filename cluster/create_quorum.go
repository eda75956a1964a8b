package cluster

import (
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/overtime-server/overtime/cluster/member"
)

// Two attempts to make the match of a key must not miss each other, though nodes come and go between them, and no log says which nodes count.
// So a quorum is not a majority of the nodes that are there, but
//
//	a majority of every membership that the cluster has had within the last quorumFor, as the home and each node of the quorum have seen it.
//
// # Why two quorums meet
//
// Let the second be reached at most quorumFor after the first. Then the membership that there was at the time of the first is among those that
// the second must have a majority of, as the first had: some node is in both, and it answered the second, so it lives and remembers. Nodes that
// died meanwhile still count in that membership, and those that came do not, however many they are: where too few of it are left there is no
// quorum, and whoever asks is told to come again. After quorumFor there is no need to meet: an attempt ends within createWithin, and by then
// the record of its match was sent to everybody, and repaired by a push/pull with everybody that did not get it.
//
// Nodes see a change one after the other. So what must have been seen by both is some membership of the last quorumFor, or two that differ
// by one node, as majorities of these meet too: that is so where changes spread faster than quorumFor less the time between the two
// attempts. Each node that answers adds the memberships that it has seen, so a home that stood still need not know any. A node that has just
// started asks one that was there before, see Node.recall, and takes part in nothing until it has heard: else those that have just come could agree
// among each other while all others are silent.
//
// # What need not be waited for
//
// Nodes that are known to have ended or left are in no other quorum that is being sought now, though they may have been in one before. With e of
// the m nodes of a membership gone, more than half of the other m-e meet each quorum sought now, and half of all m, rounded up, each that a
// majority was. So one of two goes on, and two of four. Where all m are gone so is all that they have made.
//
// # What it costs, and what it does not give
//
// No node need wait after the death of a minority. Where half of a membership or more dies or is cut off within quorumFor, no key makes a match
// until quorumFor after the deaths were noticed, also where others took their places one by one; matches without a key are made meanwhile. A log could not decide anything then either.
// In the first quorumFor of a cluster's life the nodes that were there first are needed so too.
// A node that took the record of a match remembers that for takenKeep, also where the directory drops it since most nodes are gone, and turns the key
// away; so a key may make another match only where all who took it have died, or are silent for longer than quorumFor while as many others have come.
// Nor is this a proof against an island that waits for quorumFor: Node.cutShort turns callers away there, but not where as many nodes have come to it as
// it has lost, which cannot be told from their being replaced.
const quorumFor = recentDeath

// findFor is how long a node that has just started may take from hearing of one node to hearing of the next, until it has heard of all: who was in
// between is no membership that anybody else has seen.
const findFor = 500 * time.Millisecond

// maxPast bounds the memberships that are remembered. Beyond it those between the oldest and the newer ones are forgotten.
const maxPast = 256

// memberships are those that the cluster has had as this node has seen them. It locks itself; the zero value is ready.
type memberships struct {
	mu    sync.Mutex // guards the following
	began time.Time  // with the first
	whole bool       // all of the last quorumFor are there
	list  []membership
}

// membership is who was there at a time.
type membership struct {
	ids   []string // ascending
	since time.Time
	until time.Time // zero: now
}

// look takes in who lives, and says whether that is the first time. Called with every new view, in order.
func (m *memberships) look(now time.Time, living []string) (first bool) {
	ids := slices.Clone(living)
	slices.Sort(ids)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lapseLocked(now)
	if last := len(m.list) - 1; last >= 0 {
		x := &m.list[last]
		if slices.Equal(x.ids, ids) {
			return false
		}
		if x.until = now; !m.whole && now.Sub(x.since) < findFor {
			m.list = m.list[:last]
		}
	} else {
		first, m.began = true, now
	}
	m.list = append(m.list, membership{ids: ids, since: now})
	if len(m.list) > maxPast {
		m.list = slices.Delete(m.list, 1, 2)
	}
	return first
}

// adopt takes over what another node has seen, in place of the steps in which this one has got to know the others.
func (m *memberships) adopt(now time.Time, sets [][]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.whole = true
	if len(sets) == 0 {
		return
	}
	var list []membership
	for _, ids := range sets {
		list = append(list, membership{ids: ids, since: now, until: now})
	}
	if last := len(m.list) - 1; last >= 0 {
		list = append(list, m.list[last])
	}
	m.list = list
}

// ready says whether all of the last quorumFor are there.
func (m *memberships) ready(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.whole = m.whole || len(m.list) > 0 && now.Sub(m.began) >= quorumFor
	return m.whole
}

// all returns those that count, the newest last.
func (m *memberships) all(now time.Time) [][]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lapseLocked(now)
	sets := make([][]string, len(m.list))
	for i := range m.list {
		sets[i] = m.list[i].ids
	}
	return sets
}

func (m *memberships) lapseLocked(now time.Time) {
	m.list = slices.DeleteFunc(m.list, func(x membership) bool { return !x.until.IsZero() && now.Sub(x.until) >= quorumFor })
}

// quorum says whether nodes that answered are one, as far as a membership is concerned. gone says of the others whether they have ended or left.
func quorum(ids []string, answered, gone func(id string) bool) bool {
	have, left := 0, len(ids)
	for _, id := range ids {
		switch {
		case answered(id):
			have++
		case gone(id):
			left--
		}
	}
	return left == 0 || 2*have > left && 2*have >= len(ids)
}

// packSets writes memberships for another node: the first whole, of each of the others what it differs in from the one before.
func packSets(sets [][]string) []string {
	var out []string
	var last []string
	for _, ids := range sets {
		var b strings.Builder
		for _, id := range ids {
			if _, was := slices.BinarySearch(last, id); !was {
				b.WriteString("+" + id + " ")
			}
		}
		for _, id := range last {
			if _, is := slices.BinarySearch(ids, id); !is {
				b.WriteString("-" + id + " ")
			}
		}
		out = append(out, strings.TrimSuffix(b.String(), " "))
		last = ids
	}
	return out
}

// unpackSets is the reverse. What makes no sense in it says nothing.
func unpackSets(packed []string) (sets [][]string) {
	var last []string
	for _, s := range packed[:min(len(packed), maxPast)] {
		ids := slices.Clone(last)
		for f := range strings.FieldsSeq(s) {
			i, is := slices.BinarySearch(ids, f[1:])
			switch {
			case f[0] == '+' && !is:
				ids = slices.Insert(ids, i, f[1:])
			case f[0] == '-' && is:
				ids = slices.Delete(ids, i, i+1)
			}
		}
		sets = append(sets, ids)
		last = ids
	}
	return sets
}

// sumSets tells packed memberships apart.
func sumSets(packed []string) uint64 {
	h := fnv.New64a()
	for _, s := range packed {
		_, _ = h.Write(binary.AppendUvarint(nil, uint64(len(s)))) // a hash takes everything
		_, _ = h.Write([]byte(s))
	}
	return h.Sum64()
}

// saw takes in a new view. Called by the goroutine of Members, from the first view on.
func (n *Node) saw(here []string) {
	if n.intents.seen.look(time.Now(), here) && n.links != nil {
		n.spawn(n.recall)
	}
}

// recallEvery is how often a node that has just started asks what it has not seen.
const recallEvery = 50 * time.Millisecond

// recall finds out which memberships there were before this node started: from a node that knows, or when all others have started just
// now too, which takes freshFor where no node was started with nobody to join. Without an answer it ends after quorumFor, when this node has seen
// enough itself.
func (n *Node) recall() {
	every := time.NewTicker(recallEvery)
	defer every.Stop()
	for !n.intents.seen.ready(time.Now()) {
		if n.serving.Load() && n.joined() && n.recallNow() {
			return
		}
		select {
		case <-n.life.Done():
			return
		case <-every.C:
		}
	}
}

// recallNow asks the others once, and says whether that was enough.
func (n *Node) recallNow() bool {
	gone := n.goners()
	others := slices.DeleteFunc(n.others(), func(id string) bool { return gone[id] })
	var whole []string
	outs := n.canvass(others, askIntent{Recall: true}, func(outs map[string]gotIntent) bool {
		for _, out := range outs {
			if out.Whole {
				whole = out.Seen
				return true
			}
		}
		return false
	})
	if whole == nil && (len(outs) < len(others) || !n.founding(len(others))) {
		return false
	}
	n.intents.seen.adopt(time.Now(), unpackSets(whole))
	return true
}

// founding says whether this node and so many others, none of which knows of any before them, may be all there are: it was told of nobody else, and
// has had time to find more. Nodes that have found only each other so far, since those that were there before are silent, are no cluster of their own.
func (n *Node) founding(others int) bool {
	join := len(n.cfg.Join)
	return join == 0 || others+1 >= join && time.Since(n.began) >= freshFor
}

// recalled says whether this node knows of all memberships of the last quorumFor.
func (n *Node) recalled() bool { return n.members == nil || n.intents.seen.ready(time.Now()) }

// memberSets returns the memberships that count for this node.
func (n *Node) memberSets() [][]string {
	sets := n.intents.seen.all(time.Now())
	if len(sets) == 0 {
		return [][]string{{n.id}}
	}
	return sets
}

// goners returns the nodes of which it is known that they have ended or left. Where two nodes are told to be available, those
// that membership believes to be dead are among them.
func (n *Node) goners() map[string]bool {
	gone := map[string]bool{}
	q := &n.tickets.silence
	q.mu.Lock()
	for id := range q.ended {
		gone[id] = true
	}
	q.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, x := range n.view.Nodes {
		if x.State == member.Left || x.State == member.Dead && n.cfg.TwoNodes == TwoNodesAvailable {
			gone[x.ID] = true
		}
	}
	return gone
}
