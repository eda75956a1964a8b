// Package admin is a node's HTTP side for operators and for the game's own backend: matches, tokens for players, metrics
// and profiles. It sees the node through [Node] and knows nothing of how it is built.
//
// All operations are in one table of routes ([Op]): the router, the check of roles, the reading and checking of requests, the 405s and the
// API document (OpenAPI 3.1, /v1/openapi.json) are made from it, so that they agree. [Config.Routes] adds operations.
//
// Whoever can reach this listener with a key can end every match, so it is meant for loopback or a private network: [Config.Key] is
// required elsewhere, [Config.ReadKey] lets its bearers only look, Host and Origin are checked against DNS rebinding and cross-site
// requests, bodies and rates are bounded, and fields that do not exist are refused by name. Lists are objects with their name as key and
// "next" where there is more; errors are problem documents (RFC 9457) whose types never change.
package admin
