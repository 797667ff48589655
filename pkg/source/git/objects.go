package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/openskills-go/skills/pkg/archive"
)

// Modes of entries in a tree.
const (
	modeFile      = "100644"
	modeGroupFile = "100664" // of old repositories
	modeExec      = "100755"
	modeLink      = "120000"
	modeSubmodule = "160000"
)

// An entry is a file of a tree, or what stands in its place.
type entry struct {
	mode, id string
	under    string // the folder that was listed, and a slash; "" is the top
	path     string // in that
}

const maxTree = 256 << 20 // bytes of the list of a tree

// A checkout is a commit in a bare repository on disk. It is no checkout in git's
// sense: nothing is written.
type checkout struct {
	p *repo
	c *commit
}

// maxListing is how many entries of a commit are held, so that a hundred skills of
// it are listed once. That is some 10 MB.
const maxListing = 50_000

func (k checkout) walk(ctx context.Context, folder string, visit func(entry) error) error {
	all, err := k.listing(ctx)
	if err != nil {
		return err
	}
	if all == nil {
		return k.list(ctx, folder, visit)
	}
	return walkAll(all, folder, visit)
}

// walkAll is walk of what is held.
func walkAll(all []entry, folder string, visit func(entry) error) error {
	found := folder == ""
	for _, e := range all {
		if folder != "" {
			rest, ok := strings.CutPrefix(e.path, folder+"/")
			if !ok {
				continue
			}
			e.under, e.path, found = folder+"/", rest, true
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	if !found {
		return errNoFolder
	}
	return nil
}

// listing returns all that the commit has, or nil if that is too much to hold.
func (k checkout) listing(ctx context.Context) ([]entry, error) {
	select {
	case k.c.turn <- struct{}{}:
		defer func() { <-k.c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if k.c.listed {
		return k.c.entries, nil
	}
	all, full := []entry{}, errors.New("listing is full")
	err := k.list(ctx, "", func(e entry) error {
		if len(all) == maxListing {
			return full
		}
		all = append(all, e)
		return nil
	})
	switch {
	case errors.Is(err, full):
		all = nil
	case err != nil:
		return nil, err
	}
	k.c.entries, k.c.listed = all, true
	return all, nil
}

// list is walk by git.
func (k checkout) list(ctx context.Context, folder string, visit func(entry) error) error {
	tree, url := k.c.id, k.p.url
	if folder != "" {
		tree += ":" + folder
	}
	err := k.p.s.run(ctx, command{
		args: []string{"ls-tree", "-r", "-z", "--full-tree", tree}, dir: k.p.folderOf(k.c), url: url,
		read: func(out *bufio.Reader) error {
			for total := 0; ; {
				line, err := out.ReadSlice(0)
				switch {
				case err == io.EOF && len(line) == 0:
					return nil
				case err != nil:
					return fmt.Errorf("list files of %.200q: %w", url, err)
				}
				if total += len(line); total > maxTree {
					return &archive.LimitError{What: "bytes in the list of its files", Limit: maxTree, Got: int64(total)}
				}
				meta, path, ok := strings.Cut(string(line[:len(line)-1]), "\t")
				fields := strings.Fields(meta)
				if !ok || len(fields) != 3 {
					return fmt.Errorf("list files of %.200q: git says %.80q", url, meta)
				}
				if err := visit(entry{mode: fields[0], id: fields[2], path: path}); err != nil {
					return err
				}
			}
		},
	})
	if failed, ok := errors.AsType[*CommandError](err); ok && folder != "" &&
		(strings.HasPrefix(failed.Text, "Not a valid object name") || strings.HasPrefix(failed.Text, "not a tree object")) {
		return errNoFolder
	}
	return err
}

// files are those of a skill, by path.
type files struct {
	limits *archive.Limits
	data   map[string][]byte
	exec   map[string]bool
	total  int64
}

// checkEntry refuses what is no file.
func checkEntry(e entry) error {
	switch e.mode {
	case modeFile, modeGroupFile, modeExec:
		return nil
	case modeLink:
		return &archive.UnsafeError{Entry: e.path, Why: "is a symbolic link"}
	case modeSubmodule:
		return &archive.UnsafeError{Entry: e.path, Why: "is a submodule, which is another repository"}
	}
	return &archive.UnsafeError{Entry: e.path, Why: "is neither a file nor a folder"}
}

// take adds a file, under the limits of archives: its size is known before its
// bytes are read.
func (f *files) take(e entry, size int64, data io.Reader) error {
	if size > f.limits.File {
		return &archive.LimitError{What: "bytes", Entry: e.path, Limit: f.limits.File, Got: size}
	}
	if f.total += size; f.total > f.limits.Unpacked {
		return &archive.LimitError{What: "unpacked bytes", Limit: f.limits.Unpacked, Got: f.total}
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(data, b); err != nil {
		return fmt.Errorf("read %.200q: %w", e.path, err)
	}
	if bytes.HasPrefix(b, []byte("version https://git-lfs")) {
		return &PointerError{Path: e.path}
	}
	f.data[e.path] = b
	if e.mode == modeExec {
		f.exec[e.path] = true
	}
	return nil
}

func (k checkout) read(ctx context.Context, entries []entry, take func(entry, int64, io.Reader) error) error {
	held, err := k.hold(ctx)
	if err != nil {
		return err
	}
	var rest []entry
	for _, e := range entries {
		data, ok := held[e.id]
		if !ok {
			rest = append(rest, e)
			continue
		}
		if err := take(e, int64(len(data)), bytes.NewReader(data)); err != nil {
			return err
		}
	}
	return k.readDisk(ctx, rest, take)
}

// Bounds on the files that are held: of one, and of all of a commit.
const (
	maxHeldFile = 256 << 10
	maxHeld     = 32 << 20
)

// hold returns the small files of all skills, by id, once files were asked for
// before: to start git for each of a hundred skills takes longer than all else.
func (k checkout) hold(ctx context.Context) (map[string][]byte, error) {
	select {
	case k.c.turn <- struct{}{}:
		defer func() { <-k.c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if k.c.reads++; k.c.reads == 1 || k.c.held != nil || k.c.entries == nil {
		return k.c.held, nil
	}
	skills := make(map[string]entry)
	for _, e := range k.c.entries {
		if isSkill(e) {
			skills[folderOf(e)] = e
		}
	}
	var wanted []entry
	for _, e := range k.c.entries {
		if within(folderOf(e), skills) && checkEntry(e) == nil {
			wanted = append(wanted, e)
		}
	}
	held, total := make(map[string][]byte), int64(0)
	err := k.batch(ctx, wanted, func(e entry, size int64, data io.Reader) error {
		if size < 0 || size > maxHeldFile || total+size > maxHeld {
			return nil // it is read when it is needed
		}
		total += size
		b, err := io.ReadAll(data)
		held[e.id] = b
		return err
	})
	if err != nil {
		return nil, err
	}
	k.c.held = held
	return held, nil
}

func (k checkout) readDisk(ctx context.Context, entries []entry, take func(entry, int64, io.Reader) error) error {
	for again := false; len(entries) > 0; again = true {
		var missing []string
		read := 0
		err := k.batch(ctx, entries, func(e entry, size int64, data io.Reader) error {
			if size < 0 {
				missing = append(missing, e.id)
			}
			if len(missing) > 0 {
				return nil
			}
			read++
			return take(e, size, data)
		})
		if err != nil || len(missing) == 0 {
			return err
		}
		if again {
			return fmt.Errorf("read %.200q: it is not in the repository", entries[read].path)
		}
		if entries = entries[read:]; len(entries) > 0 {
			if err := k.p.need(ctx, k.c, missing); err != nil {
				return err
			}
		}
	}
	return nil
}

// batch is read, which says that a size is negative if the bytes are not there.
func (k checkout) batch(ctx context.Context, entries []entry, take func(entry, int64, io.Reader) error) error {
	var ids strings.Builder
	for _, e := range entries {
		ids.WriteString(e.id + "\n")
	}
	return k.p.s.run(ctx, command{
		args: []string{"cat-file", "--batch"}, stdin: ids.String(), dir: k.p.folderOf(k.c), url: k.p.url,
		read: func(out *bufio.Reader) error {
			for _, e := range entries {
				size, err := header(out, e)
				if err != nil {
					return err
				}
				data := io.LimitReader(out, size)
				if err := take(e, size, data); err != nil {
					return err
				}
				if size < 0 {
					continue
				}
				if _, err := io.Copy(io.Discard, data); err != nil {
					return fmt.Errorf("read %.200q: %w", e.path, err)
				}
				if _, err := out.Discard(1); err != nil { // the end of the line
					return fmt.Errorf("read %.200q: %w", e.path, err)
				}
			}
			return nil
		},
	})
}

// header reads the line before the bytes of an object: id, type and size, which
// is -1 if it is missing.
func header(out *bufio.Reader, e entry) (size int64, err error) {
	line, err := out.ReadString('\n')
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, fmt.Errorf("read %.200q: %w", e.path, err)
	}
	if line == e.id+" missing\n" {
		return -1, nil
	}
	fields := strings.Fields(line)
	if len(fields) != 3 || fields[0] != e.id || fields[1] != "blob" {
		return 0, fmt.Errorf("read %.200q: git says %.80q", e.path, line)
	}
	if size, err = strconv.ParseInt(fields[2], 10, 64); err != nil || size < 0 {
		return 0, fmt.Errorf("read %.200q: git says %.80q", e.path, line)
	}
	return size, nil
}

// blobsOfSkills returns the ids of the files of all skills.
func (k checkout) blobsOfSkills(ctx context.Context) ([]string, error) {
	const most = 100_000
	skills, err := skillsIn(ctx, k)
	if err != nil {
		return nil, err
	}
	var ids []string
	err = k.walk(ctx, "", func(e entry) error {
		if within(folderOf(e), skills) && checkEntry(e) == nil && len(ids) < most {
			ids = append(ids, e.id)
		}
		return nil
	})
	return ids, err
}
