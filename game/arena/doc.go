// Package arena is the reference game: a top-down arena shooter with walls, a rifle, rockets, pickups, score, and teams or
// everybody for himself. It holds rules only; copy it and change them.
//
// # Units
//
// Positions are whole units; a tile of the map is 256 of them (64 pixels of the page at zoom 1). x grows to the right, y
// downwards, the origin is the top left corner of the map. An aim is 10 bits: 1024 to the full circle, 0 along +x, growing
// towards +y. Velocity is whole units per tick and equals the displacement after collision, so the x and y of two ticks
// are all that can be known of a movement: no row has a velocity. Times are tick numbers, never countdowns, so that a row
// changes only when something happens.
//
// # What a client sees
//
// Field tables are in [Game]. A player has one score row from his join to his leave, and one body row while he lives: when he
// dies the row goes, and it comes back, with the same id, at rest at a spawn point. A rifle shot is a step of the body's
// counter of shots; it hits whatever is first along the aim, at most [RifleRange] far. A rocket is a row that flies straight and has
// exploded where it was last when it goes. A player's rockets and times are a row in his own channel; from which tick he may fire the
// rifle again follows from his counter of shots (and from a rocket, see [RifleMS] and [AfterRocketMS]).
//
// # Controls
//
// Axes 0 and 1 move (a vector longer than 32767 is cut to that length), axis 2 is the aim as a 16-bit binary angle, buttons are
// [ButtonRifle] and [ButtonRocket]. There are no commands and no messages. The rules bound speed, turn rate and cadence; a client
// that sends anything else gains nothing.
//
// # Settings and result
//
// See [Settings] and [Result].
package arena
