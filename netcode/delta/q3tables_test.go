package delta_test

import "slices"

// The field tables of the recorded matches, chosen by trying: what changes often is in front, and a field is linear only
// where that took fewer bytes behind the window. It seldom did: players run in bursts, and the window finds the
// steps of the last frames again. What a new entity has at once is in as few rows as there can be.

// q3Fields returns uncut fields.
func q3Fields(as q3Number, words ...int) (f []q3Field) {
	for _, w := range words {
		f = append(f, q3Field{word: w, as: as})
	}
	return f
}

func q3EntityRows() []q3Row {
	return []q3Row{
		{name: "entity", always: true, fields: slices.Concat(
			q3Fields(q3Whole, 6, 7, 9, 10, 16, 8, 11, 15),  // base and delta of the trajectory, yaw and pitch
			[]q3Field{{word: 45, n: 8}, {word: 45, lo: 8}}, // an event, and a count of them
			q3Fields(q3Whole, 33),
			q3Fields(q3Plain, 4, 49, 50, 1, 2, 37, 46, 3, 48, 35, 42, 12),
		)},
		{name: "entity birth", fields: q3Fields(q3Plain, 30, 44, 23, 24, 25, 40, 39, 26, 27, 28, 5, 21, 36, 51, 47, 41, 22, 29, 31, 32, 34, 38)},
	}
}

// q3PlayerRows takes the word that holds the server's time.
func q3PlayerRows(time int) []q3Row {
	return []q3Row{{name: "player", always: true, fields: slices.Concat(
		q3Fields(q3Plain, 0),
		[]q3Field{{word: 5, linear: true}, {word: 6, linear: true}}, // a place: bits of floats that hardly ever are whole
		q3Fields(q3Whole, 8, 9),
		q3Fields(q3Angle, 38, 39),
		[]q3Field{{word: 7, linear: true}},
		q3Fields(q3Whole, 10),
		q3Fields(q3Plain, 2, 11, 4, 3, 22, 27, 18, 28, 29, 21, 19, 17, 54),
		[]q3Field{{word: time, linear: true}},
	)}}
}
