package guard

import (
	"fmt"
	"slices"
	"strings"
)

var kindNames = [...]string{"?", "enlist", "enlisted", "prepare", "promise", "propose", "vote", "nack", "decided", "told", "at",
	"jack", "probe", "alive", "dismiss", "ended", "refuse"}

var actNames = [...]string{"?", "send", "release", "hold", "OWN", "STOP", "follow", "drop", "feed", "unfeed", "need", "publish",
	"move ready", "freeze", "thaw", "move failed", "FAIL", "watch"}

func showList(o, s, w string) string { return fmt.Sprintf("[%s %s %s]", o, s, w) }

func show(m *Message) string {
	r := fmt.Sprintf("%s e%d", kindNames[m.Kind], m.Epoch)
	if m.Ballot > 0 {
		r += fmt.Sprintf(" b%d", m.Ballot)
	}
	if m.Voted > 0 {
		r += fmt.Sprintf(" voted %d", m.Voted)
	}
	if m.List.Epoch > 0 {
		r += " of " + showList(m.List.Owner, m.List.Standby, m.List.Witness)
	}
	if m.Value.Owner != "" {
		r += fmt.Sprintf(" value %s base %d", showList(m.Value.Owner, m.Value.Standby, m.Value.Witness), m.Value.Base)
	}
	if m.Kind == KindAt || m.Kind == KindJack {
		r += fmt.Sprintf(" t%d %d", m.Tenure, m.Index)
	}
	if m.Suspect {
		r += " suspect"
	}
	return r
}

func showAction(a *Action) string {
	r := actNames[a.Kind]
	if a.Peer != "" {
		r += " " + a.Peer
	}
	if a.Index > 0 {
		r += fmt.Sprintf(" at %d", a.Index)
	}
	if a.Why > 0 {
		r += fmt.Sprintf(" why %d", a.Why)
	}
	if a.Record.Epoch > 0 {
		r += fmt.Sprintf(" e%d %s need %d", a.Record.Epoch, showList(a.Record.Owner, a.Record.Standby, a.Record.Witness), a.Record.Need)
	}
	return r
}

func (m *model) trace(i int, last label) string {
	var ls []string
	ls = append(ls, m.showLabel(last))
	for ; i != 0; i = int(m.parents[i]) {
		ls = append(ls, m.showLabel(m.labels[i]))
	}
	slices.Reverse(ls)
	for i := range ls {
		ls[i] = fmt.Sprintf("%3d. %s", i+1, ls[i])
	}
	return strings.Join(ls, "\n")
}

func (m *model) showLabel(l label) string {
	arg := uint32(l.in) & (1<<28 - 1)
	who := fmt.Sprintf("n%d ", l.node)
	switch inputKind(l.in >> 28) {
	case inDeliver:
		x := &m.msgs[arg]
		return who + "receives from " + m.ids[x.from] + ": " + show(&x.m)
	case inFire:
		return who + fmt.Sprintf("timer %d fires", arg)
	case inEOF:
		return who + "loses the owner's link (EOF)"
	case inSilence:
		return who + "hears nothing from the owner"
	case inAppend:
		return who + "logs an entry"
	case inOffer:
		return who + "is offered standby " + m.name(arg&15) + ", witness " + m.name(arg>>4&15)
	case inMove:
		return who + "is to move the match to " + m.name(arg)
	case inTake:
		return who + "holds " + m.logs[arg]
	case inDropped:
		return who + "loses its copy"
	case inJackAfter:
		return who + "acknowledges as the standby that it was"
	}
	return who + "answers the client"
}
