package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/overtime-server/overtime/cluster"
)

func serve(c *call) error {
	f := newFlags(c)
	cfg := cluster.Config{Games: games(), AdminKey: c.env("OVERTIME_ADMIN_KEY"), AdminReadKey: c.env("OVERTIME_ADMIN_READ_KEY")}
	f.StringVar(&cfg.Listen, "listen", "127.0.0.1:8080", "`ADDRESS` for players")
	f.StringVar(&cfg.Admin, "admin", "127.0.0.1:8081", "`ADDRESS` for operators; not on loopback it needs OVERTIME_ADMIN_KEY")
	f.StringVar(&cfg.Public, "public-url", "", "`ADDRESS` under which clients reach --listen; default: what their request names")
	f.StringVar(&cfg.Data, "data", "", "`DIR` for the node's key and the results of matches; default: nothing is kept")
	f.StringVar(&cfg.Queues, "queues", "", "`FILE` with the rules of matchmaking queues, read anew on SIGHUP; default: every queue has the default rules")
	f.StringVar(&cfg.Record, "record", "", "`DIR` for recordings of all matches, see overtime replay")
	f.StringVar(&cfg.SecretFile, "secret-file", "", "`FILE` with the keys that sign tokens, one base64 key of 32 bytes a line")
	f.StringVar(&cfg.Webhook.URL, "webhook", "", "`URL` that the results of matches are posted to; needs --data and --webhook-secret-file")
	f.StringVar(&cfg.Webhook.SecretFile, "webhook-secret-file", "", "`FILE` with the secret that signs them, at least 16 bytes")
	f.IntVar(&cfg.Webhook.AtOnce, "webhook-at-once", 2, "most results on their way at a time, 1 to 4")
	f.StringVar(&cfg.TLSCert, "tls-cert", "", "`FILE` with the certificate of --listen, PEM")
	f.StringVar(&cfg.TLSKey, "tls-key", "", "`FILE` with its private key, PEM")
	f.StringVar(&cfg.Gossip, "gossip", "", "`ADDRESS` for gossip, TCP and UDP: this node is one of a cluster; needs --secret-file")
	f.StringVar(&cfg.Advertise, "advertise", "", "`ADDRESS` under which other nodes reach --gossip; default: itself, or a private address of this machine")
	f.StringVar(&cfg.AdvertiseLink, "advertise-link", "", "`ADDRESS` under which other nodes reach --link; default: its port at the host of --advertise")
	f.StringVar(&cfg.Link, "link", "", "`ADDRESS` for calls between nodes; default: --gossip with the next port")
	f.StringVar(&cfg.Region, "region", "", "`NAME` of where this node is; matches can ask for it")
	join := f.String("join", "", "`ADDRESSES` of nodes that are probably there, a,b; a name may stand for many")
	way := f.String("route", "redirect", "`WAY` of players to a match on another node: redirect, or proxy where they cannot reach it")
	f.IntVar(&cfg.MaxMatches, "max-matches", 1000, "most matches at a time")
	f.IntVar(&cfg.MaxPlayers, "max-players", 20000, "most connections at a time")
	f.DurationVar(&cfg.EmptyAfter, "empty-after", 5*time.Second, "a match ends after so long without anybody")
	f.DurationVar(&cfg.SeatHold, "seat-hold", time.Minute, "for which a dropped player's seat is kept")
	origins := f.String("origins", "", "web `ORIGINS` that may connect besides our own, a,b")
	guests := f.Bool("guests", true, "players without a token may play")
	bots := f.Int("bots", 0, "bots that play on this node, round after round")
	f.DurationVar(&cfg.StopWithin, "grace", 30*time.Second, "for a stop; 60 % of it may go into moving matches to other nodes")
	two := f.String("two-nodes", "safe", "`POLICY` where only two nodes know a match and one dies: safe (it ends) or available (it may run twice)")
	if _, err := f.parse(0); err != nil {
		return err
	}
	cfg.TwoNodes = cluster.TwoNodes(*two)
	cfg.Origins, cfg.NoGuests, cfg.Join, cfg.Version = list(*origins), !*guests, list(*join), programVersion()
	var err error
	if cfg.Proxy = *way == "proxy"; !cfg.Proxy && *way != "redirect" {
		return fmt.Errorf("--route %q: want redirect or proxy", *way)
	}
	if cfg.Log, err = f.log(); err != nil {
		return err
	}
	if err := serveable(cfg, *bots); err != nil {
		return err
	}
	node, err := cluster.Start(cfg)
	if err != nil {
		return err
	}
	if *f.logFormat == "text" { // with json, the log line "serving" has it
		fmt.Fprintf(c.err, "playable at %s/\n", node.URL())
	}
	return c.whileServing(node, *bots, &cfg)
}

// serveable checks what a zero value of the configuration would hide.
func serveable(cfg cluster.Config, bots int) error {
	switch {
	case cfg.MaxMatches < 1 || cfg.MaxPlayers < 1:
		return errors.New("--max-matches and --max-players must be at least 1")
	case cfg.StopWithin <= 0:
		return errors.New("--grace must be above 0")
	case cfg.EmptyAfter <= 0 || cfg.SeatHold <= 0:
		return errors.New("--empty-after and --seat-hold must be above 0")
	case bots < 0 || bots > cfg.MaxPlayers:
		return fmt.Errorf("--bots %d is not in 0 to --max-players", bots)
	case bots > 0 && cfg.NoGuests:
		return errors.New("--bots play as guests, so they need --guests=true")
	}
	return nil
}

// whileServing waits for the end and stops everything.
func (c *call) whileServing(node *cluster.Node, n int, cfg *cluster.Config) error {
	bots := c.startBots(node, n, cfg)
	var err error
	for running := true; running; {
		select {
		case <-c.ctx.Done():
			running = false
		case err = <-node.Failed():
			running = false
		case <-c.hangups:
			if err := node.Reload(); err != nil {
				cfg.Log.Error("nothing was reloaded", "err", err)
			}
		}
	}
	stop, cancel := context.WithTimeout(c.now, cfg.StopWithin)
	defer cancel()
	bots.stop(c.now)
	if err = errors.Join(err, node.Stop(stop)); err != nil {
		return foundError{err}
	}
	return nil
}
