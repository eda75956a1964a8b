package matchmaker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// shape is the size of each team of a match.
type shape []int

// defaultSize is for tickets that say nothing in a queue that says nothing.
const defaultSize = 2

// makeShape makes one of how rules and tickets say it; nil if they say nothing. Errors name the field.
func makeShape(size, teams int, layout []int) (shape, error) {
	switch {
	case len(layout) > 0 && (size != 0 || teams != 0):
		return nil, wrong("layout", "it stands instead of size and teams")
	case len(layout) > MaxTeams:
		return nil, wrong("layout", "%d teams are more than %d", len(layout), MaxTeams)
	case size < 0 || size > MaxSize:
		return nil, wrong("size", "%d is not in 1 to %d", size, MaxSize)
	case teams < 0 || teams > MaxTeams:
		return nil, wrong("teams", "%d is not in 1 to %d", teams, MaxTeams)
	case teams > 0 && size == 0:
		return nil, wrong("teams", "needs size, the players of all teams together")
	case teams > 0 && size%teams != 0:
		return nil, wrong("size", "%d is not %d equal teams", size, teams)
	}
	if len(layout) > 0 {
		total := 0
		for _, n := range layout {
			if n < 1 || n > MaxSize {
				return nil, wrong("layout", "a team of %d is not in 1 to %d", n, MaxSize)
			}
			total += n
		}
		if total > MaxSize {
			return nil, wrong("layout", "%d players are more than %d", total, MaxSize)
		}
		return slices.Clone(shape(layout)), nil
	}
	if size == 0 {
		return nil, nil
	}
	teams = max(teams, 1)
	return slices.Repeat(shape{size / teams}, teams), nil
}

func (s shape) size() int {
	n := 0
	for _, team := range s {
		n += team
	}
	return n
}

func (s shape) largest() int { return slices.Max(s) }

// key is the same for equal shapes only.
func (s shape) key() string {
	var b strings.Builder
	for i, n := range s {
		if i > 0 {
			b.WriteByte('+')
		}
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}

// text says it to people.
func (s shape) text() string {
	if len(s) == 1 {
		return fmt.Sprintf("%d players", s[0])
	}
	return "teams of " + s.key()
}

// shrink shares n players over the teams in proportion to their sizes, the first teams getting what is left over; n is at
// least one for each team.
func (s shape) shrink(n int) shape {
	total := s.size()
	if n >= total {
		return s
	}
	out := make(shape, len(s))
	left := n
	for i, team := range s {
		out[i] = max(1, team*n/total)
		left -= out[i]
	}
	for i := 0; left != 0; i = (i + 1) % len(s) {
		switch {
		case left > 0 && out[i] < s[i]:
			out[i]++
			left--
		case left < 0 && out[i] > 1:
			out[i]--
			left++
		}
	}
	return out
}
