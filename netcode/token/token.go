package token

import (
	"errors"
	"time"
)

// Errors of verifying. They are for counters and logs; clients get one answer for all of them.
var (
	ErrMalformed = errors.New("token: malformed")
	ErrSignature = errors.New("token: wrong signature")
	ErrExpired   = errors.New("token: expired")
	// ErrInvalid is returned when a token with these fields must not be signed.
	ErrInvalid = errors.New("token: invalid fields")
)

// MaxSize bounds a token in bytes; longer ones are malformed before anything else is looked at.
const MaxSize = 512

// Player lets its bearer join one match. It is signed by the game's backend, the admin API, or this node for guests.
type Player struct {
	Match     string // match id, see ValidID
	ID        string // the player's id, see ValidID
	Name      string // shown to others, see ValidName
	Team      uint32 // 0: the game decides
	Bot       bool
	Spectator bool      // takes no seat
	Expiry    time.Time // seconds count
}

// Resume lets its bearer take back a seat, once: the generation is compared with the one in the match's state.
type Resume struct {
	Match      string    // match id, see ValidID
	ID         string    // the player's id, see ValidID
	Player     uint32    // number in the match
	Epoch      uint32    // of the match when it was signed
	Generation uint32    // of the player's tokens in this match
	Expiry     time.Time // seconds count
}

// Guest lets its bearer ask for matches without an account.
type Guest struct {
	ID     string    // see ValidID
	Name   string    // see ValidName
	Expiry time.Time // seconds count
}

const (
	flagBot       = 1
	flagSpectator = 2
)

// SignPlayer returns the token for p, or ErrInvalid.
func (k *Keyring) SignPlayer(p Player) (string, error) {
	if !ValidID(p.Match) || !ValidID(p.ID) || !ValidName(p.Name) {
		return "", ErrInvalid
	}
	var flags uint32
	if p.Bot {
		flags |= flagBot
	}
	if p.Spectator {
		flags |= flagSpectator
	}
	w := writer{}
	w.expiry(p.Expiry)
	w.text(p.Match)
	w.text(p.ID)
	w.text(p.Name)
	w.number(p.Team)
	w.number(flags)
	return k.sign(kindPlayer, w)
}

// VerifyPlayer returns what a player token says, if it is genuine and has not expired at now.
func (k *Keyring) VerifyPlayer(s string, now time.Time) (Player, error) {
	r, err := k.verify(kindPlayer, s, now)
	if err != nil {
		return Player{}, err
	}
	p := Player{Expiry: r.expires, Match: r.id(), ID: r.id(), Name: r.name(), Team: r.number()}
	flags := r.number()
	p.Bot, p.Spectator = flags&flagBot != 0, flags&flagSpectator != 0
	if !r.end() || flags > flagBot|flagSpectator {
		return Player{}, ErrMalformed
	}
	return p, nil
}

// SignResume returns the token for t, or ErrInvalid.
func (k *Keyring) SignResume(t Resume) (string, error) {
	if !ValidID(t.Match) || !ValidID(t.ID) {
		return "", ErrInvalid
	}
	w := writer{}
	w.expiry(t.Expiry)
	w.text(t.Match)
	w.text(t.ID)
	w.number(t.Player)
	w.number(t.Epoch)
	w.number(t.Generation)
	return k.sign(kindResume, w)
}

// VerifyResume returns what a resume token says, if it is genuine and has not expired at now.
func (k *Keyring) VerifyResume(s string, now time.Time) (Resume, error) {
	r, err := k.verify(kindResume, s, now)
	if err != nil {
		return Resume{}, err
	}
	t := Resume{Expiry: r.expires, Match: r.id(), ID: r.id(), Player: r.number(), Epoch: r.number(), Generation: r.number()}
	if !r.end() {
		return Resume{}, ErrMalformed
	}
	return t, nil
}

// SignGuest returns the bearer for g, or ErrInvalid.
func (k *Keyring) SignGuest(g Guest) (string, error) {
	if !ValidID(g.ID) || !ValidName(g.Name) {
		return "", ErrInvalid
	}
	w := writer{}
	w.expiry(g.Expiry)
	w.text(g.ID)
	w.text(g.Name)
	return k.sign(kindGuest, w)
}

// VerifyGuest returns what a guest bearer says, if it is genuine and has not expired at now.
func (k *Keyring) VerifyGuest(s string, now time.Time) (Guest, error) {
	r, err := k.verify(kindGuest, s, now)
	if err != nil {
		return Guest{}, err
	}
	g := Guest{Expiry: r.expires, ID: r.id(), Name: r.name()}
	if !r.end() {
		return Guest{}, ErrMalformed
	}
	return g, nil
}
