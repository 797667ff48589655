package meta

import "context"

// PutUser writes a user; its owner is created with it.
func (tx *Tx) PutUser(ctx context.Context, u User) error {
	err := tx.exec(ctx, `INSERT INTO users (handle, name, role, disabled, created) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (handle) DO UPDATE SET name = excluded.name, role = excluded.role, disabled = excluded.disabled`,
		u.Handle, u.Name, string(u.Role), number(u.Disabled), micros(u.Created))
	if err != nil {
		return err
	}
	return tx.PutOwner(ctx, Owner{Handle: u.Handle, Name: u.Name, Kind: Person, Created: u.Created})
}

const userColumns = `users.handle, users.name, users.role, users.disabled, users.created`

func (u *User) into() []any {
	return []any{&u.Handle, &u.Name, (*string)(&u.Role), flag{&u.Disabled}, clock{&u.Created}}
}

func scanUser(s scanner) (u User, err error) { return u, s.Scan(u.into()...) }

// User returns a user, or ErrNotFound.
func (tx *Tx) User(ctx context.Context, handle string) (u User, err error) {
	err = tx.row(ctx, func(s scanner) error { return s.Scan(u.into()...) }, `SELECT `+userColumns+` FROM users WHERE handle = $1`, handle)
	return u, err
}

// Users returns all users, by handle.
func (tx *Tx) Users(ctx context.Context) ([]User, error) {
	return rows(ctx, tx, scanUser, `SELECT `+userColumns+` FROM users ORDER BY handle`)
}

// PutOwner writes an owner.
func (tx *Tx) PutOwner(ctx context.Context, o Owner) error {
	return tx.exec(ctx, `INSERT INTO owners (handle, name, kind, created) VALUES ($1, $2, $3, $4)
		ON CONFLICT (handle) DO UPDATE SET name = excluded.name`,
		o.Handle, o.Name, string(o.Kind), micros(o.Created))
}

const ownerColumns = `owners.handle, owners.name, owners.kind, owners.created`

func (o *Owner) into() []any {
	return []any{&o.Handle, &o.Name, (*string)(&o.Kind), clock{&o.Created}}
}

// Owner returns an owner, or ErrNotFound.
func (tx *Tx) Owner(ctx context.Context, handle string) (o Owner, err error) {
	err = tx.row(ctx, func(s scanner) error { return s.Scan(o.into()...) }, `SELECT `+ownerColumns+` FROM owners WHERE handle = $1`, handle)
	return o, err
}

// OwnersOf returns the owners that a user is a member of, by handle.
func (tx *Tx) OwnersOf(ctx context.Context, user string) ([]Owner, error) {
	scan := func(s scanner) (o Owner, err error) { return o, s.Scan(o.into()...) }
	return rows(ctx, tx, scan, `SELECT `+ownerColumns+` FROM owners JOIN members ON members.owner = owners.handle WHERE members.login = $1 ORDER BY owners.handle`, user)
}

// PutMember writes a member.
func (tx *Tx) PutMember(ctx context.Context, m Member) error {
	return tx.exec(ctx, `INSERT INTO members (owner, login, role) VALUES ($1, $2, $3)
		ON CONFLICT (owner, login) DO UPDATE SET role = excluded.role`, m.Owner, m.User, string(m.Role))
}

// Members returns the members of an owner, by user.
func (tx *Tx) Members(ctx context.Context, owner string) ([]Member, error) {
	scan := func(s scanner) (m Member, err error) { return m, s.Scan(&m.Owner, &m.User, (*string)(&m.Role)) }
	return rows(ctx, tx, scan, `SELECT owner, login, role FROM members WHERE owner = $1 ORDER BY login`, owner)
}

// DeleteMember takes a member away, or returns ErrNotFound.
func (tx *Tx) DeleteMember(ctx context.Context, owner, user string) error {
	n, err := tx.change(ctx, `DELETE FROM members WHERE owner = $1 AND login = $2`, owner, user)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}
