package cluster

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/overtime-server/overtime/cluster/admin"
)

// askAllNodes asks every node that is alive for a list, this one too, and returns all lists together, and who did not answer.
func askAllNodes[Got any](ctx context.Context, n *Node, method string, in any, list func(Got) []admin.Match) (all []admin.Match, silent []string) {
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	nodes := append(n.others(), n.id)
	got := make([]Got, len(nodes))
	errs := make([]error, len(nodes))
	var asked sync.WaitGroup
	for i, node := range nodes {
		asked.Go(func() { got[i], errs[i] = ask[Got](ctx, n, node, method, in) })
	}
	asked.Wait()
	for i := range nodes {
		all = append(all, list(got[i])...)
		if errs[i] != nil {
			silent = append(silent, nodes[i])
		}
	}
	return all, silent
}

// gotResults are the results that a node has, ascending, at most one more than was asked for.
type gotResults struct {
	Results []admin.Match `json:"results"`
}

func (n *Node) giveResults(_ context.Context, _ string, in admin.ResultQuery) (got gotResults, err error) {
	for _, m := range n.matches.results() {
		at := m.Ended.UnixMilli()
		if (at > in.After || at == in.After && m.ID > in.AfterID) && (in.Game == "" || m.Game == in.Game) {
			got.Results = append(got.Results, m)
		}
	}
	slices.SortFunc(got.Results, byEnd)
	got.Results = got.Results[:min(len(got.Results), max(0, in.Limit)+1)]
	return got, nil
}

// keeper returns a node that has the result of a match whose own node is gone; "" if none says so.
func (n *Node) keeper(ctx context.Context, match string) string {
	ctx, cancel := context.WithTimeout(ctx, askAll)
	defer cancel()
	others := n.others()
	found := make(chan string, len(others))
	for _, node := range others {
		go func() { // ends with ctx
			got, err := ask[gotWhere](ctx, n, node, "where", askWhere{match})
			if err != nil || !got.Result {
				node = ""
			}
			found <- node
		}()
	}
	for range others {
		if node := <-found; node != "" {
			return node
		}
	}
	return ""
}

// byEnd is the order of results: by the millisecond of the end, as the clock of the node says on which it was, and then by id, since several
// may end in one. Pages begin after such a pair.
func byEnd(a, b admin.Match) int {
	return cmp.Or(cmp.Compare(a.Ended.UnixMilli(), b.Ended.UnixMilli()), cmp.Compare(a.ID, b.ID))
}

// Results implements admin.Node.
func (o operator) Results(ctx context.Context, q admin.ResultQuery) (list []admin.Match, more bool, silent []string) {
	list, silent = askAllNodes(ctx, o.Node, "results", q, func(g gotResults) []admin.Match { return g.Results })
	slices.SortFunc(list, byEnd)
	seen := map[string]bool{} // a match that ended is known to two nodes, and may have ended on both
	list = slices.DeleteFunc(list, func(m admin.Match) bool {
		again := seen[m.ID]
		seen[m.ID] = true
		return again
	})
	if more = len(list) > q.Limit; more {
		list = list[:q.Limit]
	}
	return list, more, silent
}
