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
// # Fog of war
//
// With the settings {"mode":"teams","fog":true} the rows of bodies, rockets and pickups are in the channels of the two teams. A team has
// always those of its own, and those of an enemy while somebody of the team who lives sees him: no further than [SightRange], with no
// wall before his middle and both of his sides; and for [SightMS] after that. A body row that goes may therefore have died or have
// gone out of sight: a score row tells deaths. Nothing else tells where an enemy is or what he does there:
//
//   - scores and the match row, which everybody has, hold no place; the match row says how far players see;
//   - a pickup is shown to a team as somebody of it saw it last, and as back once it may be;
//   - an enemy's shots and hits count on only while he is in sight, so a client may draw every step of them;
//   - ids of rockets are counted per channel: one rocket has two ids where both teams see it.
//
// The spawn points of a team depend on where its enemies are, as they do without fog, and tell a little of it.
//
// A spectator without a team gets scores and the match row and nothing else; one whose token names a team sees what it sees. A player
// who comes without a team, or with one that is neither 1 nor 2, is put into the smaller one and keeps it until he leaves.
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
