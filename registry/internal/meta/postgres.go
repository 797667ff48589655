package meta

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// postgresDialect keeps everything in a PostgreSQL server, for any number of
// processes.
type postgresDialect struct{}

func (postgresDialect) open(ctx context.Context, u *url.URL) (write, read *sql.DB, err error) {
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, nil, errors.New("the address of the database is not one of PostgreSQL") // it may hold a password
	}
	pool := func(parameters map[string]string) *sql.DB {
		c := config.Copy()
		maps.Copy(c.RuntimeParams, parameters)
		db := stdlib.OpenDB(*c)
		db.SetMaxOpenConns(4 * runtime.GOMAXPROCS(0))
		db.SetMaxIdleConns(4 * runtime.GOMAXPROCS(0))
		db.SetConnMaxIdleTime(5 * time.Minute)
		return db
	}
	write = pool(map[string]string{"application_name": "skills-registry"})
	if err := write.PingContext(ctx); err != nil {
		_ = write.Close()
		return nil, nil, fmt.Errorf("reach PostgreSQL at %s: %w", config.Host, err)
	}
	read = pool(map[string]string{"application_name": "skills-registry", "default_transaction_read_only": "on", "statement_timeout": "5000"})
	return write, read, nil
}

func (postgresDialect) goose() (goose.Dialect, string) { return goose.DialectPostgres, "postgres" }
func (postgresDialect) forUpdate() string              { return " FOR UPDATE" }

func (postgresDialect) classify(err error) fault {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return other
	}
	switch e.Code {
	case "23505": // unique_violation
		return taken
	case "40001", "40P01": // serialization_failure, deadlock_detected
		return again
	}
	return other
}

// index has what is in the head in the body too, where all terms of a query must be.
func (postgresDialect) index(ctx context.Context, tx *Tx, skill int64, head, body []string) error {
	return tx.exec(ctx, `INSERT INTO texts (skill, head, body) VALUES ($1, array_to_tsvector($2), array_to_tsvector($3))
		ON CONFLICT (skill) DO UPDATE SET head = excluded.head, body = excluded.body`, skill, list(head), list(slices.Concat(head, body)))
}

func list(words []string) []string {
	if words == nil {
		return []string{}
	}
	return words
}

// match quotes each term, so that none is an operator.
func (postgresDialect) match(q textQuery, parameter int) (condition string, value any) {
	parts := make([]string, len(q.terms))
	for i, t := range q.terms {
		parts[i] = "'" + strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(t.text) + "'"
		if t.prefix {
			parts[i] += ":*"
		}
	}
	operator := " & "
	if q.any {
		operator = " | "
	}
	column := "body"
	if q.head {
		column = "head"
	}
	return fmt.Sprintf(`SELECT skill FROM texts WHERE %s @@ CAST($%d AS tsquery) LIMIT %d`, column, parameter, maxCandidates), strings.Join(parts, operator)
}

// gooseOptions lets one process at a time bring the tables up to date.
func (db *DB) gooseOptions() []goose.ProviderOption {
	if _, ok := db.dialect.(postgresDialect); !ok {
		return nil
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil
	}
	return []goose.ProviderOption{goose.WithSessionLocker(locker)}
}
