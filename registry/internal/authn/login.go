package authn

import (
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

const (
	devicePrefix  = "skd_"
	loginLife     = 10 * time.Minute
	loginInterval = 5 * time.Second
	loginToken    = 90 * 24 * time.Hour
	maxLogins     = 1000 // that wait
	// Without vowels there are no words, and no 0 to take for an O.
	codeLetters = "BCDFGHJKLMNPQRSTVWXZ"
)

// A Login is one on a device that a user approves on another (RFC 8628).
type Login struct {
	DeviceCode string // for the device alone
	UserCode   string // what the user compares, as BCDF-GHJK
	Expires    time.Duration
	Interval   time.Duration
}

// The answers of RFC 8628.
var (
	// ErrPending says that the user has not decided yet.
	ErrPending = errors.New("authorization_pending")
	// ErrSlowDown says that, and that it was asked too soon.
	ErrSlowDown = errors.New("slow_down")
	// ErrExpired says that the login is too old, was redeemed, or never was.
	ErrExpired = errors.New("expired_token")
	// ErrDenied says that the user decided against it.
	ErrDenied = errors.New("access_denied")
	// ErrBusy says that too many logins wait.
	ErrBusy = errors.New("too many logins wait for approval")
)

// Begin begins a login. Scopes that there are not are passed over.
func (d *Desk) Begin(ctx context.Context, scopes []string, label string) (Login, error) {
	scopes = slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return !slices.Contains(catalog.Scopes(), s) })
	if len(scopes) == 0 {
		scopes = []string{catalog.ScopePublish}
	}
	label = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(label[:min(len(label), maxLabel)], ""))
	l := Login{DeviceCode: newSecret(devicePrefix), Expires: loginLife, Interval: loginInterval}
	sum, _ := parseSecret(devicePrefix, l.DeviceCode)
	err := d.db.Update(ctx, func(tx *meta.Tx) error {
		now := d.now().UTC()
		if err := tx.DeleteDevicesBefore(ctx, now); err != nil {
			return err
		}
		if n, err := tx.Devices(ctx); err != nil {
			return err
		} else if n >= maxLogins {
			return ErrBusy
		}
		l.UserCode = newUserCode()
		return tx.PutDevice(ctx, meta.Device{
			Hash: sum, UserCode: l.UserCode, Scopes: scopes, Label: label, Status: meta.DevicePending, Created: now, Expires: now.Add(loginLife),
		})
	})
	return l, err
}

func newUserCode() string {
	var b strings.Builder
	for i := range 8 {
		if i == 4 {
			b.WriteByte('-')
		}
		n, _ := rand.Int(rand.Reader, big.NewInt(int64(len(codeLetters)))) // it does not fail, see crypto/rand
		b.WriteByte(codeLetters[n.Int64()])
	}
	return b.String()
}

// normalCode reads a code as people type it.
func normalCode(code string) string {
	code = strings.ToUpper(strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, code))
	if len(code) != 8 {
		return ""
	}
	return code[:4] + "-" + code[4:]
}

// Pending returns the login that shows a user code, or meta.ErrNotFound.
func (d *Desk) Pending(ctx context.Context, userCode string) (l meta.Device, err error) {
	err = d.db.View(ctx, func(tx *meta.Tx) error {
		l, err = tx.DeviceByUserCode(ctx, normalCode(userCode))
		if err == nil && (l.Status != meta.DevicePending || !d.now().Before(l.Expires)) {
			err = meta.ErrNotFound
		}
		return err
	})
	return l, err
}

// Decide approves or denies a login as the user that by is. What is approved may do
// what was asked for, and no more than by may.
func (d *Desk) Decide(ctx context.Context, by catalog.Actor, userCode string, approve bool) error {
	if by.User == "" {
		return &catalog.DeniedError{Why: "this needs a token", Anonymous: true}
	}
	return d.db.Update(ctx, func(tx *meta.Tx) error {
		l, err := tx.DeviceByUserCode(ctx, normalCode(userCode))
		if err != nil {
			return err
		}
		if l.Status != meta.DevicePending || !d.now().Before(l.Expires) {
			return meta.ErrNotFound
		}
		action := "login.deny"
		if l.Status = meta.DeviceDenied; approve {
			l.Scopes = slices.DeleteFunc(l.Scopes, func(s string) bool { return !by.Has(s) })
			if len(l.Scopes) == 0 {
				return &catalog.DeniedError{Why: "the token may do nothing of what the login asks for"}
			}
			action, l.Status = "login.approve", meta.DeviceApproved
		}
		l.User = by.User
		if err := tx.PutDevice(ctx, l); err != nil {
			return err
		}
		return tx.AddEvent(ctx, d.event(by, action, by.User, l.Label))
	})
}

// Redeem returns the token of a login that was approved, once.
func (d *Desk) Redeem(ctx context.Context, deviceCode string) (text string, t meta.Token, err error) {
	sum, ok := parseSecret(devicePrefix, deviceCode)
	if !ok {
		return "", t, ErrExpired
	}
	var answer error // what is told, whatever is written
	err = d.db.Update(ctx, func(tx *meta.Tx) error {
		answer = nil
		l, err := tx.Device(ctx, sum)
		now := d.now().UTC()
		switch {
		case errors.Is(err, meta.ErrNotFound):
			answer = ErrExpired
			return nil
		case err != nil:
			return err
		case !now.Before(l.Expires):
			answer = ErrExpired
			return tx.DeleteDevice(ctx, sum)
		case l.Status == meta.DeviceDenied:
			answer = ErrDenied
			return tx.DeleteDevice(ctx, sum)
		case l.Status == meta.DevicePending:
			answer = ErrPending
			if !l.Polled.IsZero() && now.Sub(l.Polled) < loginInterval-time.Second {
				answer = ErrSlowDown
			}
			l.Polled = now
			return tx.PutDevice(ctx, l)
		}
		text, t, err = d.issue(ctx, tx, catalog.Actor{User: l.User}, Request{User: l.User, Label: l.Label, Scopes: l.Scopes, Life: loginToken})
		if err != nil {
			return err
		}
		return tx.DeleteDevice(ctx, sum)
	})
	if err == nil {
		err = answer
	}
	if err != nil {
		return "", meta.Token{}, err
	}
	return text, t, nil
}
