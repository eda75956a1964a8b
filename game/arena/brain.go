package arena

import "github.com/overtime-server/overtime/game"

// brain plays the arena. It decides a few times a second and keeps to its plan in between: a heading, a steady turn of the aim, and
// when to fire. That is how people play, it is cheap, and it leaves rows as predictable as theirs.
type brain struct {
	// Given when it was made.
	world *Map
	pace  pace
	rand  game.Rand
	skill int32 // 0 to 100
	every int32 // ticks from decision to decision

	// What it sees, read anew for each decision; see senses.go.
	senses

	// The plan.
	wait     int32    // ticks until the next decision
	axes     [2]int16 // controls of the heading
	head     int32    // the heading as an aim, -1 for none
	aim      int32    // the aim asked for last
	rate     int32    // steps per tick that the aim turns
	hold     int32    // ticks until the trigger is pulled, then held
	trigger  uint16   // buttons to hold
	target   uint32   // body row that it fights, 0 for none
	aware    int32    // decisions until it may fire at the target
	side     int32    // which way it goes around the target: 1 or -1
	sideFor  int32    // decisions for which it goes so
	wobble   int32    // error of its aim, in aim steps, for a few decisions
	wobbleIn int32    // decisions until the error changes
	beat     Spot     // where it goes when it has nobody to go for, in fog
	beatFor  int32    // decisions for which it does

	path path

	// How late it is; see measureLag.
	asked   [16]int32 // the last aims asked for, by number of the thought
	thought uint32
	lag     int32 // ticks from the state seen to the tick that its controls act in, at least 1
}

// newBrain implements Def.Brain.
func newBrain(s game.BrainSetup) game.Brain {
	world, err := ParseMap(s.Static)
	if err != nil {
		return idle{}
	}
	b := &brain{world: world, pace: newPace(max(1, s.Hz)), rand: *game.NewRand(s.Seed), skill: game.Clamp(int32(s.Skill), 0, 100)}
	b.every = max(1, (int32(s.Hz)*(600-3*b.skill)+1500)/3000) // 3 to 6 ticks at 30 Hz
	b.head, b.side, b.lag = -1, 1, 1
	b.senses.init()
	b.path.init(world)
	return b
}

// idle is the brain of a player whose map cannot be read.
type idle struct{}

// Think implements game.Brain.
func (idle) Think(game.View, uint32) game.Input { return game.Input{} }

// Think implements game.Brain.
func (b *brain) Think(v game.View, _ uint32) (in game.Input) {
	if b.wait--; b.wait <= 0 {
		b.wait = b.every
		b.look(v)
		b.decide()
	}
	b.aim = wrapAim(b.aim + b.rate)
	b.thought++
	b.asked[b.thought%uint32(len(b.asked))] = b.aim
	in.Axes[0], in.Axes[1], in.Axes[2] = b.axes[0], b.axes[1], int16(b.aim<<(16-aimBits))
	if b.hold--; b.hold < 0 {
		in.Buttons = b.trigger
	}
	return in
}

// decide makes the plan for the next few ticks.
func (b *brain) decide() {
	b.rate, b.trigger = 0, 0
	if !b.alive {
		b.target, b.head, b.axes = 0, -1, [2]int16{}
		return
	}
	if b.reborn {
		b.aim, b.path.length = b.self.aim, 0
	}
	b.measureLag()
	if b.fog {
		b.remember()
	}
	enemy, visible := b.choose()
	if enemy == nil {
		b.search()
		return
	}
	if enemy.row != b.target {
		b.target, b.aware = enemy.row, b.reaction()/2
	}
	if !visible {
		b.aware = b.reaction()
		b.seek(enemy)
		return
	}
	b.dance(enemy)
	b.shoot(enemy)
	b.aware--
}

// choose picks the enemy to fight: the nearest whom no wall hides, else the nearest. The one it fights already counts as nearer than
// he is, so that it does not waver.
func (b *brain) choose() (enemy *sight, visible bool) {
	var near [4]*sight
	for i := range b.bodies {
		s := &b.bodies[i]
		if s.row == b.self.row || b.self.team != 0 && s.team == b.self.team {
			continue
		}
		dx, dy := int64(s.x-b.self.x), int64(s.y-b.self.y)
		s.square = dx*dx + dy*dy
		if s.row == b.target {
			s.square /= 2
		}
		for k, at := 0, s; k < len(near) && at != nil; k++ {
			if near[k] == nil || at.square < near[k].square {
				near[k], at = at, near[k]
			}
		}
	}
	for _, s := range near {
		if s == nil {
			break
		}
		s.far = game.Length(s.x-b.self.x, s.y-b.self.y)
		if s.far < RifleRange && b.world.clear(b.self.x, b.self.y, s.x, s.y) {
			return s, true
		}
	}
	return near[0], false
}

// reaction returns the number of decisions from seeing an enemy to firing at him.
func (b *brain) reaction() int32 { return (110 - b.skill) * b.pace.hz / (b.every * 200) }
