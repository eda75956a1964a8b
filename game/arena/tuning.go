package arena

// Buttons of game.Input.
const (
	ButtonRifle  = 1 << 0 // fires the rifle as long as it is held
	ButtonRocket = 1 << 1 // fires rockets as long as it is held and there are any; goes before the rifle
)

// Weapons, as in a score row's field "with".
const (
	Rifle  = 1
	Rocket = 2
)

// Things to pick up, as in a pickup row's field "type".
const (
	PickHealth = 1
	PickAmmo   = 2
)

// Sizes in units, times in ms, speeds in units per second: the numbers that make the game what it is.
const (
	Tile       = 256
	BodyRadius = 56 // against walls, a square of twice that side
	HitRadius  = 72 // against shots, a circle

	MoveSpeed = 1200
	moveAccel = 24300 // per second, towards the speed that the controls ask for
	moveBrake = 12000 // per second, when they ask for none
	maxStep   = 120   // units per tick: below 10 Hz players are slower rather than passing walls

	aimBits  = 10
	aimTurns = 4 // full circles per second that an aim may turn

	MaxHealth  = 100
	MaxAmmo    = 9
	startAmmo  = 4
	giveHealth = 40
	giveAmmo   = 4

	RifleMS     = 260 // from shot to shot
	RifleRange  = 10 * Tile
	rifleDamage = 25

	RocketMS      = 800 // from rocket to rocket
	AfterRocketMS = 400 // from a rocket to a rifle shot
	rocketSpeed   = 3600
	rocketDirect  = 75
	rocketBlast   = 60 // at its centre, falling to nothing at blastRadius
	blastRadius   = 320

	respawnMS = 2000
	pickupMS  = 12000

	SightRange = 12 * Tile // how far a player sees in fog: further than a rifle reaches
	SightMS    = 200       // for which an enemy whom nobody sees any more stays in sight, so that corners do not make him flicker
)

// pace holds what depends on the tick rate: units and aim steps per tick, and times in ticks.
type pace struct {
	hz, speed, accel, brake, turn, rocket       int32
	rifle, afterRocket, reload, respawn, pickup uint32
	sight                                       uint32
}

func newPace(hz int) pace {
	h := int32(hz)
	ticks := func(ms uint32) uint32 { return max(1, (ms*uint32(hz)+500)/1000) }
	return pace{hz: h,
		speed: min(MoveSpeed/h, maxStep), accel: max(2, moveAccel/(h*h)), brake: max(2, moveBrake/(h*h)),
		turn: min(1<<(aimBits-1), aimTurns<<aimBits/h), rocket: rocketSpeed / h,
		rifle: ticks(RifleMS), afterRocket: ticks(AfterRocketMS), reload: ticks(RocketMS),
		respawn: ticks(respawnMS), pickup: ticks(pickupMS), sight: ticks(SightMS),
	}
}
