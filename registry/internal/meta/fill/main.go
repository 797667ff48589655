// Command fill writes a database of skills that search is measured on: fill PATH N.
package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"github.com/openskills-go/skills/registry/internal/meta"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fill:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: fill PATH N")
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	db, err := meta.Open(ctx, "sqlite://"+args[0])
	if err != nil {
		return err
	}
	err = db.Update(ctx, func(tx *meta.Tx) error { return fill(ctx, tx, n) })
	if e := db.Close(); err == nil {
		err = e
	}
	return err
}

// fill writes skills whose words are as unevenly spread as those of texts.
func fill(ctx context.Context, tx *meta.Tx, n int) error {
	if err := tx.PutUser(ctx, meta.User{Handle: "alice"}); err != nil {
		return err
	}
	common := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.2, 4, 20_000)
	for i := range n {
		words := []string{"An agent"}
		for range 30 {
			words = append(words, fmt.Sprint("word", common.Uint64()))
		}
		if i%3 == 0 {
			words = append(words, "处理数据")
		}
		k := meta.Skill{
			Owner: "alice", Slug: fmt.Sprint("skill-", i), Name: fmt.Sprint("Skill word", common.Uint64()), Latest: "1.0.0",
			Summary: strings.Join(words, " "), Downloads: int64(i % 977),
		}
		id, err := tx.CreateSkill(ctx, k)
		if err == nil {
			err = tx.Index(ctx, id, meta.Text{Slug: k.Slug, Name: k.Name, Summary: k.Summary})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
