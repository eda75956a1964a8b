package guard

import "testing"

// Each rule is needed: a machine that breaks one of them is caught by the same model that the real one passes.
func TestEveryBrokenVariantIsCaught(t *testing.T) {
	small := modelOptions{nodes: 4, epochs: 2, inputs: 1, ballots: 2, plans: 1, max: 3_000_000}
	with := func(name string, f func(*modelOptions)) modelOptions {
		o := small
		o.name = name
		f(&o)
		return o
	}
	for _, o := range []modelOptions{
		with("no vote", func(o *modelOptions) { o.flaw = noVote }),
		with("answers are not gated", func(o *modelOptions) { o.flaw = noGate }),
		with("the owner goes on answering while it proposes", func(o *modelOptions) { o.flaw = noSeal; o.only, o.slow, o.calm = newStandby, true, true }),
		with("the standby acknowledges after it has taken over", func(o *modelOptions) { o.wraps = acksAfter }),
		with("a standby stands with any log", func(o *modelOptions) { o.flaw = noBase; o.only, o.slow, o.calm, o.inputs = newStandby, true, true, 2 }),
		with("a move does not wait for tick K", func(o *modelOptions) { o.flaw = startsEarly; o.slow, o.ahead, o.inputs, o.epochs = true, 1, 3, 1 }),
		with("a node that comes back keeps its old log", func(o *modelOptions) { o.flaw = keepsOldLog; o.epochs, o.plans, o.inputs, o.ballots = 3, 0, 2, 1 }),
		with("acknowledgements carry no epoch", func(o *modelOptions) { o.flaw = staleJacks; o.only, o.drops, o.calm = newWitness, true, true }),
		with("a member forgets its vote", func(o *modelOptions) { o.flaw = forgetsVote }),
		with("a proposer ignores earlier votes", func(o *modelOptions) { o.flaw = ignoresVotes; o.ballots = 3 }),
		with("the owner acts before the decision", func(o *modelOptions) { o.flaw = actsEarly; o.ballots = 3 }),
		with("a client takes frames of older epochs", func(o *modelOptions) { o.wraps = clientTakes; o.client = true }),
	} {
		t.Run(o.name, func(t *testing.T) {
			if raceOn && (o.slow || o.drops) {
				t.Skip("takes too long under the race detector")
			}
			m := newModel(o)
			bad := m.run()
			if bad == "" {
				t.Fatalf("not caught in %d states", len(m.worlds))
			}
			t.Logf("%d states\n%s", len(m.worlds), bad)
		})
	}
}
