package cluster

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/overtime-server/overtime/netcode/token"
)

// secretName is the file in Config.Data that holds a single node's own key.
const secretName = "secret"

// findKeys finds the keys that sign players' tokens: a file of the cluster's, the node's own, or one for this process.
func findKeys(cfg *Config) ([]token.Key, error) {
	switch {
	case cfg.SecretFile != "":
		file, err := os.ReadFile(cfg.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("secret file: %w", err)
		}
		keys, err := token.ParseKeys(file)
		if err != nil {
			return nil, fmt.Errorf("secret file %s: %w", cfg.SecretFile, err)
		}
		return keys, nil
	case cfg.Data != "":
		if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
			return nil, fmt.Errorf("data: %w", err)
		}
		return token.LoadOrCreate(filepath.Join(cfg.Data, secretName))
	default:
		return []token.Key{token.GenerateKey()}, nil
	}
}

// Reload reads the secret file and the rules of queues anew. So keys can be rotated while the node runs: tokens and gossip are signed
// with the first key, and accepted with all. Any goroutine may call it. After an error in a file everything is as it was.
func (n *Node) Reload() error {
	rules, err := readRules(&n.cfg)
	if err != nil {
		return err
	}
	if err := n.reloadKeys(); err != nil {
		return err
	}
	if n.cfg.Queues != "" {
		n.tickets.setRules(rules)
		n.cfg.Log.Info("rules of queues reloaded", "queues", len(rules.Queues))
	}
	return nil
}

func (n *Node) reloadKeys() error {
	if n.cfg.SecretFile == "" {
		return nil
	}
	keys, err := findKeys(&n.cfg)
	if err != nil {
		return err
	}
	if err := n.keys.Replace(keys); err != nil {
		return err
	}
	if n.members != nil {
		if err := n.members.SetKeys(gossipKeys(keys)); err != nil {
			return fmt.Errorf("gossip keys: %w", err)
		}
	}
	n.cfg.Log.Info("keys reloaded", "keys", len(keys))
	return nil
}
