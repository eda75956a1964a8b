package gametest

import (
	"fmt"

	"github.com/overtime-server/overtime/game"
)

// checkLoads gives Load what nobody saved: prefixes, additions, noise, and saved bytes with bits flipped.
func checkLoads(s *Sim, save []byte, rnd *game.Rand) error {
	step := max(1, len(save)/200)
	for n := 0; n < len(save); n += step {
		if err := mustRefuse(s, save[:n], fmt.Sprintf("the first %d of %d bytes", n, len(save))); err != nil {
			return err
		}
	}
	if err := mustRefuse(s, append(save[:len(save):len(save)], 0), "one byte too many"); err != nil {
		return err
	}
	for range 200 {
		noise := make([]byte, 1+rnd.IntN(2*len(save)+64))
		for i := range noise {
			noise[i] = byte(rnd.Uint64())
		}
		if _, err := loadFresh(s, noise); err != nil {
			return fmt.Errorf("load of %d random bytes: %w", len(noise), err)
		}
		flipped := append([]byte(nil), save...)
		for range 1 + rnd.IntN(4) {
			if len(flipped) > 0 {
				flipped[rnd.IntN(len(flipped))] ^= 1 << rnd.IntN(8)
			}
		}
		if _, err := loadFresh(s, flipped); err != nil {
			return fmt.Errorf("load of flipped bits: %w", err)
		}
	}
	return nil
}

func mustRefuse(s *Sim, b []byte, what string) error {
	refused, err := loadFresh(s, b)
	if err != nil {
		return fmt.Errorf("load of %s: %w", what, err)
	}
	if refused == nil {
		return fmt.Errorf("load of %s gives no error", what)
	}
	return nil
}

// loadFresh loads b into a fresh match.
func loadFresh(s *Sim, b []byte) (refused, err error) {
	m, err := s.Def.New(s.Setup)
	if err != nil {
		return nil, err
	}
	return load(m, b)
}

// load loads b: refused is what Load returned, err says that it panicked.
func load(m game.Match, b []byte) (refused, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return m.Load(b), nil
}
