package meta

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// sqliteDialect keeps everything in one file. One connection writes at a time, any
// number read beside it.
type sqliteDialect struct{}

func (sqliteDialect) open(ctx context.Context, u *url.URL) (write, read *sql.DB, err error) {
	const shared = "_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)&_time_format=sqlite"
	if u.Path == ":memory:" {
		db, err := sql.Open("sqlite", "file::memory:?"+shared)
		if err != nil {
			return nil, nil, err
		}
		db.SetMaxOpenConns(1)
		db.SetMaxIdleConns(1)
		db.SetConnMaxLifetime(0)
		return db, db, nil
	}
	path := filepath.FromSlash(u.Path)
	if !filepath.IsAbs(path) {
		return nil, nil, fmt.Errorf("the path %s of the database is not absolute", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil {
		return nil, nil, err
	} else if !info.IsDir() {
		return nil, nil, fmt.Errorf("%s is not a folder", filepath.Dir(path))
	}
	name := (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path)}).String()
	if write, err = sql.Open("sqlite", name+"?_txlock=immediate&_pragma=journal_mode(WAL)&"+shared); err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(1)
	if err := write.PingContext(ctx); err != nil {
		_ = write.Close()
		return nil, nil, fmt.Errorf("open %s: %w", path, err)
	}
	if read, err = sql.Open("sqlite", name+"?_pragma=query_only(1)&_pragma=mmap_size(268435456)&"+shared); err != nil {
		_ = write.Close()
		return nil, nil, err
	}
	n := 2 * runtime.GOMAXPROCS(0)
	read.SetMaxOpenConns(n)
	read.SetMaxIdleConns(n)
	return write, read, nil
}

func (sqliteDialect) goose() (goose.Dialect, string) { return goose.DialectSQLite3, "sqlite" }
func (sqliteDialect) forUpdate() string              { return "" } // the writer is alone

func (sqliteDialect) classify(err error) fault {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return other
	}
	switch e.Code() {
	case lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_PRIMARYKEY, lib.SQLITE_CONSTRAINT_ROWID:
		return taken
	case lib.SQLITE_BUSY, lib.SQLITE_BUSY_SNAPSHOT, lib.SQLITE_LOCKED:
		return again
	}
	return other
}

func (sqliteDialect) index(ctx context.Context, tx *Tx, skill int64, head, body []string) error {
	if err := tx.exec(ctx, `DELETE FROM texts WHERE rowid = $1`, skill); err != nil {
		return err
	}
	return tx.exec(ctx, `INSERT INTO texts (rowid, head, body) VALUES ($1, $2, $3)`, skill, strings.Join(head, " "), strings.Join(body, " "))
}

// match quotes each term, so that none is an operator.
func (sqliteDialect) match(q textQuery, parameter int) (condition string, value any) {
	parts := make([]string, len(q.terms))
	for i, t := range q.terms {
		parts[i] = `"` + strings.ReplaceAll(t.text, `"`, `""`) + `"`
		if t.prefix {
			parts[i] += "*"
		}
	}
	operator := " AND "
	if q.any {
		operator = " OR "
	}
	match := "(" + strings.Join(parts, operator) + ")"
	if q.head {
		match = "{head} : " + match
	}
	return fmt.Sprintf(`SELECT rowid FROM texts WHERE texts MATCH $%d LIMIT %d`, parameter, maxCandidates), match
}

// Backup writes a copy of one state to the file at path, which must not exist.
// PostgreSQL has tools of its own for that: errors.ErrUnsupported.
func (db *DB) Backup(ctx context.Context, path string) error {
	if _, ok := db.dialect.(sqliteDialect); !ok {
		return fmt.Errorf("back up the database: use pg_dump: %w", errors.ErrUnsupported)
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("back up the database: %s is there already", path)
	}
	_, err := db.write.ExecContext(ctx, `VACUUM INTO $1`, path)
	return err
}
