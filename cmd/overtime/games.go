package main

import (
	"github.com/overtime-server/overtime/game"
	"github.com/overtime-server/overtime/game/arena"
	"github.com/overtime-server/overtime/game/tag"
)

// games are what this program can host and replay; the first is the default.
func games() []game.Def { return []game.Def{arena.Game(), tag.Game()} }
