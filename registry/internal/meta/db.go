package meta

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

// What differs between the databases is a dialect.
type dialect interface {
	// open returns the pools for writing and for reading, which may be one.
	open(ctx context.Context, url *url.URL) (write, read *sql.DB, err error)
	goose() (goose.Dialect, string)
	// classify tells what an error of the driver is about.
	classify(err error) fault
	texts
}

// texts is how a dialect finds skills by their texts.
type texts interface {
	index(ctx context.Context, tx *Tx, skill int64, head, body []string) error
	// match returns the condition on the skill's id, with one parameter after the
	// others, that keeps at most so many candidates.
	match(q textQuery, parameter int) (condition string, value any)
	forUpdate() string
}

type fault int

const (
	other fault = iota
	again       // the transaction may succeed if it is tried once more
	taken       // a name is taken
)

// A DB is a database of a registry. Its methods may be called at once.
type DB struct {
	dialect     dialect
	write, read *sql.DB
	single      bool // both are one, with one connection
}

//go:embed migrations
var migrations embed.FS

// Open opens the database that url names, sqlite:///path/to/file,
// sqlite://:memory: or postgres://…, and brings its tables up to date.
func Open(ctx context.Context, address string) (*DB, error) {
	var d dialect
	u := &url.URL{}
	if path, ok := strings.CutPrefix(address, "sqlite://"); ok {
		d, u.Path = sqliteDialect{}, path
	} else {
		var err error
		if u, err = url.Parse(address); err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
			return nil, errors.New("the database is neither sqlite:///file nor postgres://…")
		}
		d = postgresDialect{}
	}
	db := &DB{dialect: d}
	var err error
	if db.write, db.read, err = d.open(ctx, u); err != nil {
		return nil, err
	}
	db.single = db.write == db.read && strings.HasPrefix(u.Path, ":memory:")
	if err := db.migrate(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

// A SchemaError says that a database is of a newer program.
type SchemaError struct{ Have, Know int64 }

func (e *SchemaError) Error() string {
	return fmt.Sprintf("the database has version %d of its tables, and this program knows %d: use a newer one", e.Have, e.Know)
}

func (db *DB) migrate(ctx context.Context) error {
	kind, folder := db.dialect.goose()
	dir, err := fs.Sub(migrations, "migrations/"+folder)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(kind, db.write, dir, db.gooseOptions()...)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	have, know, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the tables: %w", err)
	}
	if have > know {
		return &SchemaError{Have: have, Know: know}
	}
	if have == know {
		return nil
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("bring the tables up to date: %w", err)
	}
	return nil
}

// Close closes the database.
func (db *DB) Close() error {
	err := db.write.Close()
	if db.read != db.write {
		err = errors.Join(err, db.read.Close())
	}
	return err
}

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.read.PingContext(ctx) }

// Stats returns the state of the pool that reads.
func (db *DB) Stats() sql.DBStats { return db.read.Stats() }

// A Tx is a transaction. It is for one goroutine, and only until the function it
// was given to returns.
type Tx struct {
	db      *DB
	pool    *sql.DB
	tx      *sql.Tx
	writes  bool
	counted bool // something that Generation counts was written
}

// View calls f with a transaction that only reads, and sees one state.
func (db *DB) View(ctx context.Context, f func(*Tx) error) error {
	return db.run(ctx, &Tx{db: db, pool: db.read}, f)
}

// Update calls f with a transaction that is committed if f returns nil. f is
// called again if the transaction could not be serialised. Who updates a skill
// has found it in the same transaction, which locks it.
func (db *DB) Update(ctx context.Context, f func(*Tx) error) error {
	const most = 10
	for attempt := 1; ; attempt++ {
		err := db.run(ctx, &Tx{db: db, pool: db.write, writes: true}, f)
		if err == nil || attempt == most || db.dialect.classify(err) != again {
			return err
		}
		wait := time.NewTimer(time.Duration(rand.Int64N(int64(attempt) * int64(10*time.Millisecond))))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		}
	}
}

func (db *DB) run(ctx context.Context, tx *Tx, f func(*Tx) error) (err error) {
	if tx.tx, err = tx.pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: !tx.writes && !db.single}); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	done := false
	defer func() {
		if !done { // also when f panics
			_ = tx.tx.Rollback()
		}
	}()
	if err := f(tx); err != nil {
		return err
	}
	if tx.counted {
		if err := tx.exec(ctx, `UPDATE clock SET generation = generation + 1`); err != nil {
			return err
		}
	}
	if err := tx.tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	done = true
	return nil
}

// Generation returns a number that is another after each Update that wrote, by
// any process. It is cheap.
func (db *DB) Generation(ctx context.Context) (n int64, err error) {
	return n, db.read.QueryRowContext(ctx, `SELECT generation FROM clock`).Scan(&n)
}

// exec runs a statement that Generation counts, as all do that do not say
// otherwise.
func (tx *Tx) exec(ctx context.Context, query string, args ...any) error {
	_, err := tx.change(ctx, query, args...)
	return err
}

// change is exec, and returns how many rows it was about.
func (tx *Tx) change(ctx context.Context, query string, args ...any) (int64, error) {
	tx.counted = true
	return tx.note(ctx, query, args...)
}

// note is change for what Generation does not count.
func (tx *Tx) note(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := tx.tx.ExecContext(ctx, query, args...)
	if err != nil {
		if tx.db.dialect.classify(err) == taken {
			return 0, fmt.Errorf("%w: %w", ErrExists, err)
		}
		return 0, err
	}
	return result.RowsAffected()
}

// row scans the one row of a query, or returns ErrNotFound.
func (tx *Tx) row(ctx context.Context, scan func(scanner) error, query string, args ...any) error {
	err := scan(tx.tx.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	if err != nil && tx.db.dialect.classify(err) == taken {
		return fmt.Errorf("%w: %w", ErrExists, err)
	}
	return err
}

// A scanner is a row.
type scanner interface{ Scan(into ...any) error }

// rows returns what scan makes of each row of a query.
func rows[T any](ctx context.Context, tx *Tx, scan func(scanner) (T, error), query string, args ...any) (list []T, err error) {
	found, err := tx.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		v, err := scan(found)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, found.Err()
}
