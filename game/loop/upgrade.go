package loop

import (
	"fmt"

	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/journal"
)

// Upgrade builds a match from a state that another version of its rules saved. head says how the match began under that
// version; the core's header names def's, and so does the journal that goes on from it. Nothing that the other version journaled
// can be applied to this core. Errors: the definition is of another game, its Loads does not name the version, or Load
// refuses the state. Rules that panic let the panic through.
func Upgrade(def game.Def, head journal.Header, state []byte) (*Core, error) {
	if def.Name != head.Game || !def.CanLoad(head.Version) {
		return nil, fmt.Errorf("match is of game %s version %d, which game %s version %d does not load", head.Game, head.Version, def.Name, def.Version)
	}
	saved := head.Version
	head.Version = def.Version
	c, err := NewCore(def, head)
	if err != nil {
		return nil, err
	}
	if saved != def.Version {
		c.savedBy = saved
	}
	err = c.Load(state)
	c.savedBy = 0 // what follows is saved by def
	return c, err
}
