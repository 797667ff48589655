package meta_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openskills-go/skills/registry/internal/meta"
)

// BenchmarkSearch searches 100,000 skills for words that few, many and nearly all
// of them have, and reports the slowest of a hundred.
func BenchmarkSearch(b *testing.B) {
	db, err := meta.Open(b.Context(), "sqlite://"+filepath.Join(b.TempDir(), "search.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	fill(b, db, 100_000)
	for _, text := range []string{"agent", "word7", "word77 word5", "word4321", "skill-54321", "agent wor", "数据", "word1 nothing"} {
		b.Run(strings.ReplaceAll(text, " ", "+"), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				err := db.View(b.Context(), func(tx *meta.Tx) error {
					hits, err := tx.Search(b.Context(), meta.SearchQuery{Text: text, Limit: 25})
					if err == nil && len(hits) == 0 {
						b.Fatal("nothing was found")
					}
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// fill writes skills whose words are as unevenly spread as those of texts.
func fill(b *testing.B, db *meta.DB, n int) {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	common := rand.NewZipf(random, 1.2, 4, 20_000)
	err := db.Update(b.Context(), func(tx *meta.Tx) error {
		if err := tx.PutUser(b.Context(), meta.User{Handle: "alice"}); err != nil {
			return err
		}
		for i := range n {
			if err := one(b.Context(), tx, i, common); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func one(ctx context.Context, tx *meta.Tx, i int, common *rand.Zipf) error {
	words := []string{"An agent"}
	for range 30 {
		words = append(words, fmt.Sprint("word", common.Uint64()))
	}
	k := meta.Skill{Owner: "alice", Slug: fmt.Sprint("skill-", i), Name: fmt.Sprint("Skill word", common.Uint64()), Latest: "1.0.0", Summary: strings.Join(words, " "), Downloads: int64(i % 977)}
	if i%3 == 0 {
		k.Summary += " 处理数据"
	}
	id, err := tx.CreateSkill(ctx, k)
	if err != nil {
		return err
	}
	return tx.Index(ctx, id, meta.Text{Slug: k.Slug, Name: k.Name, Summary: k.Summary})
}
