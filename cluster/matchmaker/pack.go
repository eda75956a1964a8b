package matchmaker

// packer says whether parties of given sizes fill teams exactly, with the seed's among them. It tries the large ones first, and
// remembers what it found for the same numbers.
type packer struct {
	teams shape
	seed  int // players of the seed's ticket
	need  int // players besides them

	have    [MaxParty + 1]int // parties to choose from, by size
	players int               // in them
	largest int               // no size is above

	left  shape   // seats that are still free
	out   [][]int // sizes by team
	steps int
	spent int // steps of all searches, see maxSpent
	known map[packKey]bool
}

// packKey is a question to the packer.
type packKey struct {
	players uint8 // of the match
	seed    uint8
	have    [MaxParty + 1]uint8 // as many as could be used
}

// maxPackSteps bounds one search; large teams of odd parties may need more, and then count as not filled.
const maxPackSteps = 5_000

// maxSpent bounds the steps of one group in one cycle, so that parties that were chosen to be hard to pack cannot slow a node
// down: above it, only what is plain at once counts as filled. Ordinary cycles need a hundredth.
const maxSpent = 2_000_000

// begin sets the teams and the seed; there are no other parties yet.
func (p *packer) begin(teams shape, seed int) {
	p.teams, p.seed, p.need = teams, seed, teams.size()-seed
	if p.known == nil {
		p.known = make(map[packKey]bool)
	}
	p.clear()
}

func (p *packer) clear() { p.have, p.players, p.largest = [MaxParty + 1]int{}, 0, 1 }

// add gives n more parties of a size to choose from.
func (p *packer) add(size, n int) {
	p.have[size] += n
	p.players += n * size
	p.largest = max(p.largest, size)
}

// fits gives parties to choose from and says whether the teams can be filled.
func (p *packer) fits(among []*facts) bool {
	p.clear()
	for _, f := range among {
		p.add(len(f.t.players), 1)
	}
	return p.can()
}

// can says whether the teams can be filled.
func (p *packer) can() bool {
	if p.players < p.need {
		return false
	}
	// Put larger parties anywhere until none fits: each team then lacks fewer than the largest has, or all are used.
	if p.have[1] >= min(p.need, len(p.teams)*(p.largest-1)) {
		return true
	}
	key := packKey{players: uint8(p.need + p.seed), seed: uint8(p.seed)}
	for size := 1; size <= min(p.need, MaxParty); size++ {
		key.have[size] = uint8(min(p.have[size], p.need/size))
	}
	yes, ok := p.known[key]
	if !ok && p.spent < maxSpent {
		yes = p.solve()
		p.spent += p.steps
		p.known[key] = yes
	}
	return yes
}

// slots returns the sizes by team, the seed's included; can has said yes.
func (p *packer) slots() [][]int {
	p.solve()
	return p.out
}

func (p *packer) solve() bool {
	p.steps = 0 // of all teams that the seed is tried in
	for i, room := range p.teams {
		if room < p.seed || i > 0 && p.teams[i-1] == room {
			continue // the team before is the same
		}
		p.left = append(p.left[:0], p.teams...)
		p.out = make([][]int, len(p.teams))
		p.left[i] -= p.seed
		p.out[i] = append(p.out[i], p.seed)
		if p.fill(0, MaxParty) {
			return true
		}
	}
	return false
}

// fill fills a team and those after it with parties of at most a size.
func (p *packer) fill(team, largest int) bool {
	for p.left[team] == 0 {
		if team++; team == len(p.left) {
			return true
		}
		largest = MaxParty
	}
	for size := min(p.left[team], largest); size > 0; size-- {
		if p.have[size] == 0 {
			continue
		}
		if p.steps++; p.steps > maxPackSteps {
			return false
		}
		p.have[size]--
		p.left[team] -= size
		p.out[team] = append(p.out[team], size)
		ok := p.fill(team, size)
		p.have[size]++ // given back in any case: the caller goes on counting
		if ok {
			return true
		}
		p.left[team] += size
		p.out[team] = p.out[team][:len(p.out[team])-1]
	}
	return false
}
