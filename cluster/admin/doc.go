// Package admin is a node's HTTP side for operators and for the game's own backend: matches, tokens for players, metrics
// and profiles. It sees the node through [Node] and knows nothing of how it is built.
//
// Whoever can reach this listener can end every match, so it is meant for loopback or a private network: [Config.Key] is
// required elsewhere, Host and Origin are checked against DNS rebinding and cross-site requests, bodies are bounded and
// fields that do not exist are refused by name. Lists are objects with their name as key and "next" where there is more; errors are
// problem documents (RFC 9457).
package admin
