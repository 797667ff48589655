package authn

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

const (
	// believeFor is how long a token that was looked up is believed: so long may it
	// work elsewhere after it was revoked here.
	believeFor = 5 * time.Second
	maxBelief  = 10000
	touchEvery = time.Minute
	maxLabel   = 200
	maxLife    = 10 * 365 * 24 * time.Hour
)

// A Desk issues tokens and knows them again. Its methods may be called at once.
type Desk struct {
	db  *meta.DB
	now func() time.Time

	mu     sync.Mutex
	belief map[[32]byte]belief
}

type belief struct {
	actor          catalog.Actor
	until, expires time.Time
}

// New returns a desk. now nil is the clock.
func New(db *meta.DB, now func() time.Time) *Desk {
	if now == nil {
		now = time.Now
	}
	return &Desk{db: db, now: now, belief: map[[32]byte]belief{}}
}

// A Request asks for a token.
type Request struct {
	User   string
	Label  string
	Scopes []string      // none is catalog.ScopePublish
	Life   time.Duration // 0 is for ever
}

// Issue makes a token. It returns the text once: nothing can tell it again. Nobody
// but those who run the registry makes one for another, or one that may do more
// than their own.
func (d *Desk) Issue(ctx context.Context, by catalog.Actor, r Request) (text string, t meta.Token, err error) {
	if len(r.Scopes) == 0 {
		r.Scopes = []string{catalog.ScopePublish}
	}
	for _, scope := range r.Scopes {
		if !slices.Contains(catalog.Scopes(), scope) {
			return "", t, &catalog.InvalidError{What: "scope", Faults: []string{"is none of " + strings.Join(catalog.Scopes(), ", ")}}
		}
		if !by.Has(scope) {
			return "", t, &catalog.DeniedError{Why: "a token cannot give more than it has", Anonymous: by.Anonymous()}
		}
	}
	if by.Role != meta.Admin && by.User != r.User {
		return "", t, &catalog.DeniedError{Why: "a token for another is made by those who run the registry", Anonymous: by.Anonymous()}
	}
	if len(r.Label) > maxLabel || strings.ContainsFunc(r.Label, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return "", t, &catalog.InvalidError{What: "label", Faults: []string{"is too long or holds control characters"}}
	}
	if r.Life < 0 || r.Life > maxLife {
		return "", t, &catalog.InvalidError{What: "expiry", Faults: []string{"is not between now and ten years"}}
	}
	err = d.db.Update(ctx, func(tx *meta.Tx) error {
		text, t, err = d.issue(ctx, tx, by, r)
		return err
	})
	return text, t, err
}

func (d *Desk) issue(ctx context.Context, tx *meta.Tx, by catalog.Actor, r Request) (string, meta.Token, error) {
	if _, err := tx.User(ctx, r.User); errors.Is(err, meta.ErrNotFound) {
		return "", meta.Token{}, &catalog.NotFoundError{What: "user", Name: r.User}
	} else if err != nil {
		return "", meta.Token{}, err
	}
	text := newSecret(tokenPrefix)
	sum, _ := parseSecret(tokenPrefix, text)
	var id [8]byte
	_, _ = rand.Read(id[:])
	now := d.now().UTC().Truncate(time.Microsecond)
	t := meta.Token{ID: hex.EncodeToString(id[:]), Hash: sum, User: r.User, Label: r.Label, Scopes: r.Scopes, Created: now}
	if r.Life > 0 {
		t.Expires = now.Add(r.Life)
	}
	if err := tx.CreateToken(ctx, t); err != nil {
		return "", meta.Token{}, err
	}
	return text, t, tx.AddEvent(ctx, d.event(by, "token.create", r.User, t.ID+" "+strings.Join(t.Scopes, ",")))
}

func (d *Desk) event(by catalog.Actor, action, subject, detail string) meta.Event {
	return meta.Event{Time: d.now(), User: by.User, Token: by.Token, Address: by.Address, Action: action, Subject: subject, Detail: detail}
}

// Actor returns who a token is of. The error matches ErrUnauthorized.
func (d *Desk) Actor(ctx context.Context, text string) (catalog.Actor, error) {
	sum, ok := parseSecret(tokenPrefix, text)
	if !ok {
		return catalog.Actor{}, ErrUnauthorized
	}
	now := d.now()
	d.mu.Lock()
	b, ok := d.belief[sum]
	d.mu.Unlock()
	if ok && now.Before(b.until) && (b.expires.IsZero() || now.Before(b.expires)) {
		return b.actor, nil
	}
	var t meta.Token
	var u meta.User
	err := d.db.View(ctx, func(tx *meta.Tx) (err error) {
		t, u, err = tx.TokenByHash(ctx, sum)
		return err
	})
	switch {
	case errors.Is(err, meta.ErrNotFound):
		return catalog.Actor{}, ErrUnauthorized
	case err != nil:
		return catalog.Actor{}, fmt.Errorf("look up token: %w", err)
	case !t.Revoked.IsZero() || u.Disabled || !t.Expires.IsZero() && !now.Before(t.Expires):
		return catalog.Actor{}, ErrUnauthorized
	}
	a := catalog.Actor{User: u.Handle, Role: u.Role, Scopes: t.Scopes, Token: t.ID}
	d.mu.Lock()
	if len(d.belief) >= maxBelief {
		clear(d.belief)
	}
	d.belief[sum] = belief{a, now.Add(believeFor), t.Expires}
	d.mu.Unlock()
	if now.Sub(t.Used) >= touchEvery {
		// That it was used is worth noting, and not worth failing for.
		_ = d.db.Update(ctx, func(tx *meta.Tx) error { return tx.TouchToken(ctx, t.ID, now) })
	}
	return a, nil
}

// forget makes this process look tokens up again.
func (d *Desk) forget() {
	d.mu.Lock()
	clear(d.belief)
	d.mu.Unlock()
}

// Forget is for when users changed: their tokens are looked up again.
func (d *Desk) Forget() { d.forget() }

// Tokens returns the tokens of a user, or of all ("").
func (d *Desk) Tokens(ctx context.Context, by catalog.Actor, user string) (list []meta.Token, err error) {
	if user != by.User || user == "" {
		if by.Role != meta.Admin || !by.Has(catalog.ScopeAdmin) {
			return nil, &catalog.DeniedError{Why: "the tokens of others are for those who run the registry", Anonymous: by.Anonymous()}
		}
	}
	err = d.db.View(ctx, func(tx *meta.Tx) error {
		list, err = tx.Tokens(ctx, user)
		return err
	})
	return list, err
}

// Revoke revokes a token by its ID: one of one's own, or as who runs the registry
// any.
func (d *Desk) Revoke(ctx context.Context, by catalog.Actor, id string) error {
	all := ""
	if by.Role != meta.Admin || !by.Has(catalog.ScopeAdmin) {
		if all = by.User; all == "" {
			return &catalog.DeniedError{Why: "this needs a token", Anonymous: true}
		}
	}
	err := d.db.Update(ctx, func(tx *meta.Tx) error {
		list, err := tx.Tokens(ctx, all)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(t meta.Token) bool { return t.ID == id })
		if i < 0 {
			return &catalog.NotFoundError{What: "token", Name: id}
		}
		if err := tx.RevokeToken(ctx, id, d.now()); err != nil {
			return err
		}
		return tx.AddEvent(ctx, d.event(by, "token.revoke", list[i].User, id))
	})
	d.forget()
	return err
}
