package matchmaker

import (
	"fmt"
	"slices"
	"strings"
)

// group is a set of tickets that agree in all that never changes: game, shape and the attributes of the rules.
type group struct {
	key    string
	game   string
	shape  shape
	equal  []string // keys of the attributes, as in the rules
	values []string // of them, in that order
	n      int      // tickets and backfills in it
}

// shared returns the attributes of a party, by key.
func shared(players []Player) []attribute {
	keys := make(map[string]bool)
	for _, p := range players {
		for k := range p.Attributes {
			keys[k] = true
		}
	}
	out := make([]attribute, 0, len(keys))
	for k := range keys {
		a := attribute{key: k, value: players[0].Attributes[k]}
		for _, p := range players[1:] {
			if p.Attributes[k] != a.value {
				a = attribute{key: k, mixed: true}
			}
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b attribute) int { return strings.Compare(a.key, b.key) })
	return out
}

// join puts a ticket into its group under the present rules.
func (q *Queue) join(t *ticket) error {
	game := q.rules.Game
	switch {
	case game == "":
		game = t.game
	case t.game != "" && t.game != game:
		return fmt.Errorf("%w: queue %s plays %s, not %s", ErrInvalid, q.name, game, t.game)
	}
	s, err := q.shapeOf(t.own)
	if err != nil {
		return err
	}
	if len(t.players) > s.largest() {
		return fmt.Errorf("%w: a party of %d fits into no team of %d", ErrInvalid, len(t.players), s.largest())
	}
	values := make([]string, len(q.rules.Equal))
	for i, key := range q.rules.Equal {
		for _, a := range t.attrs {
			if a.key == key && a.mixed {
				return fmt.Errorf("%w: its players differ in attribute %s", ErrInvalid, key)
			}
			if a.key == key {
				values[i] = a.value
			}
		}
	}
	t.group = q.group(game, s, values)
	return nil
}

// shapeOf is the shape of the match for a ticket that asks for own.
func (q *Queue) shapeOf(own shape) (shape, error) {
	rule, _ := makeShape(q.rules.Size, q.rules.Teams, q.rules.Layout)
	switch {
	case rule == nil && own == nil:
		return shape{defaultSize}, nil
	case rule == nil:
		return own, nil
	case own == nil || slices.Equal(own, rule) || len(own) == 1 && own[0] == rule.size():
		return rule, nil
	}
	return nil, fmt.Errorf("%w: queue %s is for %s, not %s", ErrInvalid, q.name, rule.text(), own.text())
}

// group returns the group of that description, and counts the caller in.
func (q *Queue) group(game string, s shape, values []string) *group {
	key := fmt.Sprintf("%s %s %q %q", game, s.key(), q.rules.Equal, values)
	g := q.groups[key]
	if g == nil {
		g = &group{key: key, game: game, shape: s, equal: q.rules.Equal, values: values}
		q.groups[key] = g
	}
	g.n++
	return g
}

// leave takes a ticket out of its group.
func (q *Queue) leave(t *ticket) {
	if t.group != nil {
		q.abandon(t.group)
	}
	t.group = nil
}

func (q *Queue) abandon(g *group) {
	if g.n--; g.n == 0 {
		delete(q.groups, g.key)
	}
}

// attributes are those of the rules, as a map; nil if there are none.
func (g *group) attributes() map[string]string {
	if len(g.equal) == 0 {
		return nil
	}
	out := make(map[string]string, len(g.equal))
	for i, key := range g.equal {
		out[key] = g.values[i]
	}
	return out
}
