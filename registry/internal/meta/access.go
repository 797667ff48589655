package meta

import (
	"context"
	"time"
)

// CreateToken writes a new token.
func (tx *Tx) CreateToken(ctx context.Context, t Token) error {
	return tx.exec(ctx, `INSERT INTO tokens (id, hash, login, label, scopes, created, expires, used, revoked) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		t.ID, t.Hash[:], t.User, t.Label, text(t.Scopes), micros(t.Created), micros(t.Expires), micros(t.Used), micros(t.Revoked))
}

const tokenColumns = `tokens.id, tokens.hash, tokens.login, tokens.label, tokens.scopes, tokens.created, tokens.expires, tokens.used, tokens.revoked`

func (t *Token) into() []any {
	return []any{&t.ID, hash{&t.Hash}, &t.User, &t.Label, jsonOf{&t.Scopes}, clock{&t.Created}, clock{&t.Expires}, clock{&t.Used}, clock{&t.Revoked}}
}

// TokenByHash returns a token and its user, or ErrNotFound. Whether it holds is
// for the caller to see.
func (tx *Tx) TokenByHash(ctx context.Context, sum [32]byte) (t Token, u User, err error) {
	err = tx.row(ctx, func(s scanner) error { return s.Scan(append(t.into(), u.into()...)...) },
		`SELECT `+tokenColumns+`, `+userColumns+` FROM tokens JOIN users ON users.handle = tokens.login WHERE tokens.hash = $1`, sum[:])
	return t, u, err
}

// Tokens returns the tokens of a user, or of all (""), newest first.
func (tx *Tx) Tokens(ctx context.Context, user string) ([]Token, error) {
	scan := func(s scanner) (t Token, err error) { return t, s.Scan(t.into()...) }
	return rows(ctx, tx, scan, `SELECT `+tokenColumns+` FROM tokens WHERE $1 = '' OR login = $1 ORDER BY created DESC, id`, user)
}

// RevokeToken revokes the token with an ID, or returns ErrNotFound. One that is
// revoked stays as it is.
func (tx *Tx) RevokeToken(ctx context.Context, id string, at time.Time) error {
	n, err := tx.change(ctx, `UPDATE tokens SET revoked = CASE WHEN revoked = 0 THEN $1 ELSE revoked END WHERE id = $2`, micros(at), id)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// TouchToken notes that a token was used. It does not count for Generation.
func (tx *Tx) TouchToken(ctx context.Context, id string, at time.Time) error {
	_, err := tx.note(ctx, `UPDATE tokens SET used = $1 WHERE id = $2 AND used < $1`, micros(at), id)
	return err
}

// PutDevice writes a login, by its Hash. ErrExists: another has its UserCode.
func (tx *Tx) PutDevice(ctx context.Context, d Device) error {
	_, err := tx.note(ctx, `INSERT INTO devices (hash, user_code, scopes, label, login, status, created, expires, polled) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (hash) DO UPDATE SET login = excluded.login, status = excluded.status, scopes = excluded.scopes, polled = excluded.polled`,
		d.Hash[:], d.UserCode, text(d.Scopes), d.Label, d.User, string(d.Status), micros(d.Created), micros(d.Expires), micros(d.Polled))
	return err
}

const deviceColumns = `hash, user_code, scopes, label, login, status, created, expires, polled`

func (tx *Tx) device(ctx context.Context, where string, key any) (d Device, err error) {
	err = tx.row(ctx, func(s scanner) error {
		return s.Scan(hash{&d.Hash}, &d.UserCode, jsonOf{&d.Scopes}, &d.Label, &d.User, (*string)(&d.Status), clock{&d.Created}, clock{&d.Expires}, clock{&d.Polled})
	}, where, key)
	return d, err
}

// Device returns the login with the hash of a device code, or ErrNotFound.
func (tx *Tx) Device(ctx context.Context, sum [32]byte) (Device, error) {
	return tx.device(ctx, `SELECT `+deviceColumns+` FROM devices WHERE hash = $1`, sum[:])
}

// DeviceByUserCode returns a login, or ErrNotFound.
func (tx *Tx) DeviceByUserCode(ctx context.Context, code string) (Device, error) {
	return tx.device(ctx, `SELECT `+deviceColumns+` FROM devices WHERE user_code = $1`, code)
}

// Devices returns how many logins there are.
func (tx *Tx) Devices(ctx context.Context) (n int64, err error) {
	err = tx.row(ctx, func(s scanner) error { return s.Scan(&n) }, `SELECT count(*) FROM devices`)
	return n, err
}

// DeleteDevice deletes a login, if it is there.
func (tx *Tx) DeleteDevice(ctx context.Context, sum [32]byte) error {
	_, err := tx.note(ctx, `DELETE FROM devices WHERE hash = $1`, sum[:])
	return err
}

// DeleteDevicesBefore deletes what expired before a time.
func (tx *Tx) DeleteDevicesBefore(ctx context.Context, at time.Time) error {
	_, err := tx.note(ctx, `DELETE FROM devices WHERE expires < $1`, micros(at))
	return err
}

// DeviceWaiting returns a login that waits, the newest, or ErrNotFound.
func (tx *Tx) DeviceWaiting(ctx context.Context) (Device, error) {
	return tx.device(ctx, `SELECT `+deviceColumns+` FROM devices WHERE status = $1 ORDER BY created DESC LIMIT 1`, string(DevicePending))
}
