package git_test

import (
	"context"
	"fmt"
	"os"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/source/git"
	"github.com/openskills-go/skills/pkg/transport"
)

// Every skill of a repository, at its newest version below 2.
func ExampleNew() {
	install := func(ctx context.Context, client *transport.Client, sink source.Sink) error {
		src := git.New(git.Options{Env: os.Environ(), Client: client})
		defer func() { _ = src.Close() }()

		r, err := ref.Parse("github.com/anthropics/skills@^1")
		if err != nil {
			return err
		}
		skills, err := src.List(ctx, r)
		if err != nil {
			return err
		}
		for _, skill := range skills {
			pin, err := src.Resolve(ctx, skill.Ref, "")
			if err != nil {
				return err
			}
			if _, err := src.Fetch(ctx, pin, sink); err != nil {
				return err
			}
			fmt.Println(skill.Name, pin.Version, pin.Revision)
		}
		return nil
	}
	_ = install
}
