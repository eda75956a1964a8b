// Package cluster is one running node: it hosts matches of the games it is given, lets players in through one HTTP
// listener and operators through another. A game developer's own main is a few lines around [Run]; the command overtime
// is another such main.
//
// # Player listener
//
//	GET  /                 the page that plays the arena
//	GET  /healthz          200 while the process serves
//	GET  /readyz           200 while the node takes players, else 503
//	POST /v1/guest         {"name"} -> {"player_id","token"}: an identity without an account; 403 if guests are off
//	POST /v1/quickplay     {"game","name","bot"} -> {"match_id","url","token","player_id"}: a place in the fullest match
//	                       that has one, else in a new match; Authorization: Bearer GUEST is optional, so is the body
//	GET  /v1/route?match=  {"url","standby_url","epoch"}: where a match is played
//	GET  /v1/maps/{hash}   the part of a match's world that never changes
//	GET  /v1/play          the WebSocket (package netcode)
//
// Package cluster/admin documents the other one. Errors are problem documents (RFC 9457).
package cluster
