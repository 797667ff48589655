// Package authn tells who asks: tokens, logins of devices, limits on how often.
//
// A token is "skl_", 43 characters that hold 256 random bits, and 6 of a checksum,
// by which scanners of secrets know it from noise. Only its SHA-256 is kept.
package authn

import (
	"context"
	"errors"
	"time"

	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

var errTodo = errors.New("todo")

// ErrUnauthorized matches the error about a token that is none, or holds no more.
var ErrUnauthorized = errors.New("unauthorized")

// A Desk issues tokens and knows them again. Its methods may be called at once.
type Desk struct{}

// New returns a desk. now nil is the clock.
func New(db *meta.DB, now func() time.Time) *Desk { return nil }

// A Request asks for a token.
type Request struct {
	User   string
	Label  string
	Scopes []string      // none is catalog.ScopePublish
	Life   time.Duration // 0 is for ever
}

// Issue makes a token. It returns the text once: nothing can tell it again.
func (d *Desk) Issue(ctx context.Context, by catalog.Actor, r Request) (text string, t meta.Token, err error) {
	return "", meta.Token{}, errTodo
}

// Actor returns who a token is of. The error matches ErrUnauthorized.
func (d *Desk) Actor(ctx context.Context, text string) (catalog.Actor, error) {
	return catalog.Actor{}, errTodo
}

// Tokens returns the tokens of a user, or of all ("").
func (d *Desk) Tokens(ctx context.Context, by catalog.Actor, user string) ([]meta.Token, error) {
	return nil, errTodo
}

// Revoke revokes a token by its ID.
func (d *Desk) Revoke(ctx context.Context, by catalog.Actor, id string) error { return errTodo }

// A Login is one on a device that a user approves on another (RFC 8628).
type Login struct {
	DeviceCode string // for the device alone
	UserCode   string // what the user compares, as BCDF-GHJK
	Expires    time.Duration
	Interval   time.Duration
}

var (
	// ErrPending, ErrSlowDown, ErrExpired and ErrDenied are the answers of RFC 8628.
	ErrPending  = errors.New("authorization_pending")
	ErrSlowDown = errors.New("slow_down")
	ErrExpired  = errors.New("expired_token")
	ErrDenied   = errors.New("access_denied")
)

// Begin begins a login.
func (d *Desk) Begin(ctx context.Context, scopes []string, label string) (Login, error) {
	return Login{}, errTodo
}

// Pending returns the login that shows a user code, or meta.ErrNotFound.
func (d *Desk) Pending(ctx context.Context, userCode string) (meta.Device, error) {
	return meta.Device{}, errTodo
}

// Decide approves or denies a login as the user that by is.
func (d *Desk) Decide(ctx context.Context, by catalog.Actor, userCode string, approve bool) error {
	return errTodo
}

// Redeem returns the token of a login that was approved, once.
func (d *Desk) Redeem(ctx context.Context, deviceCode string) (text string, t meta.Token, err error) {
	return "", meta.Token{}, errTodo
}
