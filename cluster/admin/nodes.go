package admin

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

type nodePath struct {
	ID string `path:"id" min:"1" max:"64" doc:"the node"`
}

type listNodesIn struct {
	After string `query:"after" max:"64" doc:"next of the page before"`
	Limit int    `query:"limit" min:"1" max:"1000" default:"100"`
}

type nodeList struct {
	Nodes []NodeInfo `json:"nodes"`
	Next  string     `json:"next,omitempty" doc:"where more begin: after for the next call"`
}

type listResultsIn struct {
	After string `query:"after" max:"80" pattern:"^(|[0-9]{1,15}[.][!-~]{0,64})$" doc:"next of the page before, or a Unix time in ms and a point"`
	Limit int    `query:"limit" min:"1" max:"1000" default:"100"`
	Game  string `query:"game" max:"64"`
}

type resultList struct {
	Results []Match  `json:"results"`
	Next    string   `json:"next,omitempty" doc:"where more begin: after for the next call"`
	Missing []string `json:"missing,omitempty" doc:"nodes that did not answer: their results are not in the list"`
}

func (s *Server) nodeRoutes() []Route {
	return []Route{
		Op("listNodes", "GET /v1/nodes", http.StatusOK, "List nodes, by id", s.listNodes),
		Op("getNode", "GET /v1/nodes/{id}", http.StatusOK, "One node", s.getNode).Fails(ErrNoNode),
		Op("drainNode", "POST /v1/nodes/{id}/drain", http.StatusAccepted, "Move a node's matches away; it takes no more until it restarts", s.drain).
			Fails(ErrNoNode, ErrUnreachable),
		Op("listResults", "GET /v1/results", http.StatusOK, "List the matches that ended last, by the millisecond of their end and then by id: up to 1,000 of each node", s.listResults),
	}
}

func (s *Server) listNodes(_ *Call, in listNodesIn) (nodeList, error) {
	answer := nodeList{Nodes: []NodeInfo{}}
	limit := pageSize(in.Limit)
	for _, n := range s.cfg.Node.Nodes() {
		if n.ID <= in.After {
			continue
		}
		if len(answer.Nodes) == limit {
			answer.Next = answer.Nodes[limit-1].ID
			break
		}
		answer.Nodes = append(answer.Nodes, n)
	}
	return answer, nil
}

func (s *Server) getNode(_ *Call, in nodePath) (NodeInfo, error) {
	for _, n := range s.cfg.Node.Nodes() {
		if n.ID == in.ID {
			return n, nil
		}
	}
	return NodeInfo{}, ErrNoNode
}

func (s *Server) drain(c *Call, in nodePath) (Nothing, error) {
	return Nothing{}, s.cfg.Node.Drain(c, in.ID)
}

func (s *Server) listResults(c *Call, in listResultsIn) (resultList, error) {
	q := ResultQuery{Limit: pageSize(in.Limit), Game: in.Game}
	if at, id, ok := strings.Cut(in.After, "."); ok {
		q.After, _ = strconv.ParseInt(at, 10, 64) // its pattern was checked
		q.AfterID = id
	}
	list, more, silent := s.cfg.Node.Results(c, q)
	answer := resultList{Results: list, Missing: silent}
	if list == nil {
		answer.Results = []Match{}
	}
	if last := len(list) - 1; more && last >= 0 {
		answer.Next = fmt.Sprintf("%d.%s", list[last].Ended.UnixMilli(), list[last].ID)
	}
	return answer, nil
}
