package static

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

const (
	maxIndex = 16 << 20
	maxLine  = 1 << 20 // bytes
	maxLines = 1 << 20
)

// A release is a version of a skill that is still there.
type release struct {
	version.Info
	artifact digest.Digest // of sha256
	size     int64         // 0 if it is not known
	tree     digest.Digest // "" if it is not known
}

// parseIndex reads the index of a skill that came from an address. What was
// deleted is not among the releases. A line that is wrong makes all of it wrong: to
// pass it over might be to miss that a version is yanked.
func parseIndex(ctx context.Context, body []byte, at string) ([]release, error) {
	var releases []release
	seen := map[string]bool{}
	err := eachLine(ctx, bytes.NewReader(body), at, func(line []byte, _ bool) string {
		rel, gone, why := parseRelease(line)
		switch {
		case why != "":
			return why
		case seen[rel.Version]:
			return "version " + rel.Version + " is there twice"
		}
		seen[rel.Version] = true
		if !gone {
			releases = append(releases, rel)
		}
		return ""
	})
	if err != nil {
		return nil, err
	}
	return releases, nil
}

func parseRelease(line []byte) (rel release, gone bool, why string) {
	var said struct {
		Version string `json:"v"`
		Tree    string `json:"h1"`
		Zip     *struct {
			SHA256 string `json:"sha256"`
			Size   int64  `json:"size"`
		} `json:"zip"`
		Yanked bool     `json:"yanked"`
		Reason string   `json:"reason"`
		Gone   bool     `json:"gone"`
		Tags   []string `json:"tags"`
	}
	if err := json.Unmarshal(line, &said); err != nil {
		return release{}, false, typeFault(err)
	}
	if !version.Valid(said.Version) || len(said.Version) > 128 {
		return release{}, false, "the version is none: " + quote(said.Version)
	}
	rel.Info = version.Info{Version: said.Version, Tags: said.Tags, Yanked: said.Yanked}
	switch {
	case said.Gone:
		return rel, true, ""
	case said.Zip == nil:
		return release{}, false, "version " + said.Version + " has no artifact"
	case said.Zip.Size < 0:
		return release{}, false, "the artifact of version " + said.Version + " has a size below zero"
	}
	if said.Yanked {
		rel.Reason = source.YankReason(said.Reason)
	}
	var err error
	if rel.artifact, err = digest.Parse("sha256:" + said.Zip.SHA256); err != nil {
		return release{}, false, "the sha256 of version " + said.Version + " is none: " + quote(said.Zip.SHA256)
	}
	if rel.size = said.Zip.Size; said.Tree != "" {
		if rel.tree, err = digest.Parse(said.Tree); err != nil || rel.tree.Hex() != "" {
			return release{}, false, "the h1 of version " + said.Version + " is none: " + quote(said.Tree)
		}
	}
	return rel, false, ""
}

// eachLine hands the lines of a file to do, except for blank ones. whole says that
// a line has its end, which the last one may not have. What do returns is what is
// wrong with a line, and ends it.
func eachLine(ctx context.Context, from io.Reader, at string, do func(line []byte, whole bool) (why string)) error {
	number, whole := 0, true
	fault := func(why string) error { return &FormatError{URL: shownAt(at), Line: number, Why: why} }
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLine)
	lines.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			return i + 1, data[:i], nil
		}
		if !atEOF || len(data) == 0 {
			return 0, nil, nil
		}
		whole = false
		return len(data), data, nil
	})
	for lines.Scan() {
		if number++; number > maxLines {
			return fault(fmt.Sprintf("there are more than %d lines", maxLines))
		}
		if number%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		if why := do(line, whole); why != "" && !whole && !json.Valid(line) {
			return fault("it is cut off")
		} else if why != "" {
			return fault(why)
		}
	}
	number++
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fault(fmt.Sprintf("it is longer than %d bytes", maxLine))
	case err != nil:
		number = 0
		return fault(err.Error())
	}
	return nil
}
