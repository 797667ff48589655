// Package translog keeps the log of what was published as a Merkle tree, as
// c2sp.org/tlog-tiles has it: whoever has seen one state of it can tell whether a
// later one changed the past.
package translog

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/openskills-go/skills/registry/internal/meta"
)

// Append appends a line, without its newline, to the log in a transaction, and
// returns its number.
func Append(ctx context.Context, tx *meta.Tx, line string) (int64, error) {
	n, err := tx.AppendLog(ctx, line)
	if err != nil {
		return 0, fmt.Errorf("append to log: %w", err)
	}
	hashes, err := tlog.StoredHashes(n, []byte(line+"\n"), Hashes(ctx, tx))
	if err != nil {
		return 0, fmt.Errorf("hash log: %w", err)
	}
	raw := make([][32]byte, len(hashes))
	for i, h := range hashes {
		raw[i] = h
	}
	if err := tx.AddLogHashes(ctx, tlog.StoredHashCount(n), raw); err != nil {
		return 0, fmt.Errorf("append to log: %w", err)
	}
	return n, nil
}

// Hashes reads the hashes of the tree in a transaction.
func Hashes(ctx context.Context, tx *meta.Tx) tlog.HashReader {
	return tlog.HashReaderFunc(func(numbers []int64) ([]tlog.Hash, error) {
		raw, err := tx.LogHashes(ctx, numbers)
		if err != nil {
			return nil, err
		}
		hashes := make([]tlog.Hash, len(raw))
		for i, h := range raw {
			hashes[i] = h
		}
		return hashes, nil
	})
}
