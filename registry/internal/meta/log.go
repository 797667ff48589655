package meta

import (
	"context"
	"fmt"
)

// AddEvent appends to the audit log.
func (tx *Tx) AddEvent(ctx context.Context, e Event) error {
	return tx.exec(ctx, `INSERT INTO events (time, login, token, address, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		micros(e.Time), e.User, e.Token, e.Address, e.Action, e.Subject, e.Detail)
}

// Events returns at most limit events, newest first, from before the one with an
// ID (0: the newest).
func (tx *Tx) Events(ctx context.Context, before int64, limit int) ([]Event, error) {
	scan := func(s scanner) (e Event, err error) {
		return e, s.Scan(&e.ID, clock{&e.Time}, &e.User, &e.Token, &e.Address, &e.Action, &e.Subject, &e.Detail)
	}
	return rows(ctx, tx, scan, `SELECT id, time, login, token, address, action, subject, detail FROM events WHERE $1 = 0 OR id < $1 ORDER BY id DESC LIMIT $2`,
		before, limit)
}

// AppendLog appends a line to the log of what was published and returns its
// number; the first is 0. Appends are serialised: numbers have no gaps.
func (tx *Tx) AppendLog(ctx context.Context, line string) (n int64, err error) {
	tx.counted = true
	// The one row of clock is what appends wait for each other at.
	err = tx.row(ctx, func(s scanner) error { return s.Scan(&n) }, `UPDATE clock SET log = log + 1 RETURNING log - 1`)
	if err != nil {
		return 0, err
	}
	return n, tx.exec(ctx, `INSERT INTO log (number, line) VALUES ($1, $2)`, n, line)
}

// Log returns at most limit lines of the log from number from on.
func (tx *Tx) Log(ctx context.Context, from int64, limit int) ([]string, error) {
	scan := func(s scanner) (line string, err error) { return line, s.Scan(&line) }
	return rows(ctx, tx, scan, `SELECT line FROM log WHERE number >= $1 ORDER BY number LIMIT $2`, from, limit)
}

// LogSize returns how many lines the log has.
func (tx *Tx) LogSize(ctx context.Context) (n int64, err error) {
	err = tx.row(ctx, func(s scanner) error { return s.Scan(&n) }, `SELECT log FROM clock`)
	return n, err
}

// AddLogHashes appends hashes to the log's tree; the first has number from, which
// is how many there are.
func (tx *Tx) AddLogHashes(ctx context.Context, from int64, hashes [][32]byte) error {
	for i, h := range hashes {
		if err := tx.exec(ctx, `INSERT INTO log_hashes (number, hash) VALUES ($1, $2)`, from+int64(i), h[:]); err != nil {
			return err
		}
	}
	return nil
}

// LogHashes returns the hashes with these numbers.
func (tx *Tx) LogHashes(ctx context.Context, numbers []int64) ([][32]byte, error) {
	list := make([][32]byte, len(numbers))
	scan := func(s scanner) (h [32]byte, err error) { return h, s.Scan(hash{&h}) }
	for i, n := range numbers {
		h, err := one(rows(ctx, tx, scan, `SELECT hash FROM log_hashes WHERE number = $1`, n))
		if err != nil {
			return nil, fmt.Errorf("hash %d of the log: %w", n, err)
		}
		list[i] = h
	}
	return list, nil
}

// Setting returns a value that the registry keeps for itself, or ErrNotFound.
func (tx *Tx) Setting(ctx context.Context, name string) (value []byte, err error) {
	err = tx.row(ctx, func(s scanner) error { return s.Scan(&value) }, `SELECT value FROM settings WHERE name = $1`, name)
	return value, err
}

// PutSetting writes one. ErrExists: there is one, and it stays.
func (tx *Tx) PutSetting(ctx context.Context, name string, value []byte) error {
	n, err := tx.note(ctx, `INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, value)
	if err == nil && n == 0 {
		return ErrExists
	}
	return err
}
