package guard

import "fmt"

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
