package clawhub

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/openskills-go/skills/pkg/ref"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// Recognize asks which version has the fingerprint of the files. A registry without
// that endpoint cannot tell.
func (r *Registry) Recognize(ctx context.Context, rf ref.Ref, files []source.File) (string, error) {
	name, err := named(rf)
	if err != nil {
		return "", fmt.Errorf("recognize: %w", err)
	}
	if slices.ContainsFunc(files, func(f source.File) bool { return strings.ContainsFunc(f.Path, isForeign) }) {
		return "", nil // only all of Unicode's collation knows their order
	}
	address := r.base.at(apiV1+"/resolve", "slug", name.slug, "ownerHandle", name.owner, "owner", name.owner, "hash", fingerprint(files))
	var answer struct {
		Match *struct {
			Version string `json:"version"`
		} `json:"match"`
	}
	_, err = r.getField(ctx, address, name.slug, "match", &answer)
	if _, missing := errors.AsType[*EndpointError](err); missing {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("recognize %s: %w", name, err)
	}
	if answer.Match == nil || !version.Valid(answer.Match.Version) {
		return "", nil
	}
	return answer.Match.Version, nil
}

// fingerprint is what ClawHub knows a version by: the digest of the digests of its
// files, in the order in which JavaScript compares their paths. What its own client
// does not publish, and what the registry adds, does not count.
func fingerprint(files []source.File) string {
	files = slices.DeleteFunc(slices.Clone(files), func(f source.File) bool {
		return f.Path == "_meta.json" || slices.ContainsFunc(strings.Split(f.Path, "/"), func(part string) bool {
			return strings.HasPrefix(part, ".") || part == "node_modules"
		})
	})
	slices.SortFunc(files, func(a, b source.File) int { return compareLocale(a.Path, b.Path) })
	lines := make([]string, len(files))
	for i, f := range files {
		lines[i] = f.Path + ":" + f.Digest.Hex()
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(lines, "\n"))))
}

// collation is the order of ASCII in the root collation of CLDR, by which
// JavaScript's localeCompare goes. The whole table is a megabyte.
const collation = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ"

// isForeign reports whether a character is not in the table.
func isForeign(c rune) bool { return !strings.ContainsRune(collation, c) }

// compareLocale compares two texts as localeCompare does, if both are of the table:
// by their letters first, and only where these are equal by their case, small ones
// first.
func compareLocale(a, b string) int {
	return cmp.Or(
		slices.CompareFunc([]byte(strings.ToLower(a)), []byte(strings.ToLower(b)), compareLetters),
		slices.CompareFunc([]byte(a), []byte(b), compareLetters),
	)
}

func compareLetters(a, b byte) int {
	return cmp.Compare(strings.IndexByte(collation, a), strings.IndexByte(collation, b))
}
