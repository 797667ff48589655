package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/source"
)

var _ source.Sink = (*Writer)(nil)

// sizes are those at which a Writer or Open does something else.
func sizes() []int { return []int{0, 1, inMemory - 1, inMemory, inMemory + 1, 3 * inMemory} }

func content(size int) []byte { return bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size] }

func newStore(t *testing.T) *Store {
	t.Helper()
	s := New(filepath.Join(t.TempDir(), "a", "store"))
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func commit(s *Store, data []byte) (digest.Digest, error) {
	w := s.Create(0, nil)
	_, err := w.Write(data)
	if err == nil {
		err = w.Commit()
	}
	return w.Digest(), errors.Join(err, w.Close())
}

func mustCommit(t *testing.T, s *Store, data []byte) digest.Digest {
	t.Helper()
	d, err := commit(s, data)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func read(s *Store, d digest.Digest) ([]byte, error) {
	a, err := s.Open(d)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.NewSectionReader(a, 0, a.Size))
	if a.Digest != d {
		err = errors.Join(err, fmt.Errorf("artifact says it is %s", a.Digest))
	}
	return data, errors.Join(err, a.Close())
}

// files returns the paths of all files below dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			path, err = filepath.Rel(dir, path)
			all = append(all, filepath.ToSlash(path))
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return all
}

func TestWhatIsCommittedCanBeOpened(t *testing.T) {
	s := newStore(t)
	if s.Used() {
		t.Error("a new store was used")
	}
	for _, size := range sizes() {
		data := content(size)
		if s.Has(digest.Of(data)) {
			t.Errorf("%d bytes are there before", size)
		}
		if _, err := s.Open(digest.Of(data)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%d bytes before: %v", size, err)
		}
		d := mustCommit(t, s, data)
		if d != digest.Of(data) || !s.Has(d) {
			t.Errorf("%d bytes are %s, there: %v", size, d, s.Has(d))
		}
		// Another process has another Store.
		for _, s := range []*Store{s, New(s.Dir())} {
			if got, err := read(s, d); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes come back as %d, %v", size, len(got), err)
			}
		}
	}
	if !s.Used() {
		t.Error("a store that was written to was not used")
	}
	found, err := s.List()
	if err != nil || len(found) != len(sizes()) || !slices.IsSortedFunc(found, func(a, b Found) int { return cmpDigest(a.Digest, b.Digest) }) {
		t.Errorf("List = %v, %v", found, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := files(t, s.Dir()); len(got) != len(sizes()) {
		t.Errorf("after Close the store holds %q", got)
	}
	if s.Used() {
		t.Error("a closed store was used")
	}
	mustCommit(t, s, []byte("after Close"))
}

func cmpDigest(a, b digest.Digest) int { return bytes.Compare([]byte(a), []byte(b)) }

// Whatever happened to a file, its bytes are not handed out, and the next fetch
// finds the place free.
func TestWhatIsDamagedIsEvicted(t *testing.T) {
	for _, size := range []int{1, 1000, inMemory, inMemory + 1} {
		s := newStore(t)
		data := content(size)
		flipped := bytes.Clone(data)
		flipped[size/2] ^= 1
		for name, damaged := range map[string][]byte{
			"zero length": {}, "cut": data[:size-1], "flipped": flipped, "longer": append(bytes.Clone(data), 0),
			"another": content(size + 16), "zeros": make([]byte, size),
		} {
			d := mustCommit(t, s, data)
			path := filepath.Join(s.Dir(), "sha256", d.Hex())
			if err := os.WriteFile(path, damaged, 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := s.Open(d)
			var mismatch *digest.MismatchError
			if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &mismatch) || mismatch.Want != d || mismatch.Got != digest.Of(damaged) {
				t.Errorf("%d bytes, %s: Open = %v, want ErrNotExist and what is wrong", size, name, err)
			}
			if s.Has(d) {
				t.Errorf("%d bytes, %s: it is still there", size, name)
			}
		}
		a, b := mustCommit(t, s, data), mustCommit(t, s, append(bytes.Clone(data), 'b'))
		dir := filepath.Join(s.Dir(), "sha256")
		if err := errors.Join(os.Rename(filepath.Join(dir, a.Hex()), dir+"/x"), os.Rename(filepath.Join(dir, b.Hex()), filepath.Join(dir, a.Hex())),
			os.Rename(dir+"/x", filepath.Join(dir, b.Hex()))); err != nil {
			t.Fatal(err)
		}
		for _, d := range []digest.Digest{a, b} {
			if _, err := s.Open(d); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%d bytes, swapped: Open = %v", size, err)
			}
		}
	}
}

func TestWhatIsNoFile(t *testing.T) {
	s := newStore(t)
	mustCommit(t, s, []byte("makes the folders"))
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func(path string) error{
		"folder": func(path string) error { return os.Mkdir(path, 0o755) },
		"link":   func(path string) error { return os.Symlink(outside, path) },
	} {
		d := digest.Of([]byte(name))
		if err := make(filepath.Join(s.Dir(), "sha256", d.Hex())); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Open(d); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: Open = %v, want ErrInvalid", name, err)
		}
		if s.Has(d) {
			t.Errorf("%s: it is there", name)
		}
	}
	if found, err := s.List(); err != nil || len(found) != 1 {
		t.Errorf("List = %v, %v; want one", found, err)
	}
	if found, err := s.Verify(t.Context(), true); err != nil || len(found) != 1 || found[0].Err != nil {
		t.Errorf("Verify = %v, %v; want one", found, err)
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
}

// A digest that nobody checked must not become a path: Open deletes what it
// finds wrong.
func TestADigestIsNoPath(t *testing.T) {
	s := newStore(t)
	mustCommit(t, s, []byte("x"))
	victim := filepath.Join(s.Dir(), "victim")
	if err := os.WriteFile(victim, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, d := range []digest.Digest{"", "sha256:", "sha256:../victim", "sha256:../../store/victim", "sha256:.", "sha256:/etc/passwd", "h1:x", "victim", "sha256:" + digest.Digest(content(64))[:63] + "Z"} {
		if _, err := s.Open(d); !errors.Is(err, digest.ErrInvalid) {
			t.Errorf("Open(%q) = %v, want ErrInvalid", d, err)
		}
		if s.Has(d) {
			t.Errorf("Has(%q)", d)
		}
	}
	if _, err := os.Stat(victim); err != nil {
		t.Errorf("a file beside the artifacts is gone: %v", err)
	}
}

func TestConcurrentCommits(t *testing.T) {
	s := newStore(t)
	run := func() {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				for _, size := range []int{100, 2 * inMemory} {
					if err := commitAndRead(s, content(size)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	if dir := os.Getenv("STORE_TEST_DIR"); dir != "" { // one of the processes below
		s = New(dir)
		run()
		if err := errors.Join(s.Sweep(), s.Close()); err != nil {
			t.Error(err)
		}
		return
	}
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestConcurrentCommits$")
			cmd.Env = append(os.Environ(), "STORE_TEST_DIR="+s.Dir())
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	run()
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := files(t, s.Dir()); len(got) != 2 {
		t.Errorf("the store holds %q, want two artifacts", got)
	}
}

func commitAndRead(s *Store, data []byte) error {
	d, err := commit(s, data)
	if err != nil {
		return err
	}
	got, err := read(s, d)
	if err == nil && !bytes.Equal(got, data) {
		err = errors.New("other bytes come back")
	}
	return err
}

func TestTheStoreNowhere(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp)
	t.Chdir(t.TempDir()) // where relative paths would lead
	s := New("")
	w := s.Create(0, nil)
	if _, err := w.Write(content(inMemory)); err != nil {
		t.Fatal(err)
	}
	if got := files(t, temp); len(got) != 0 {
		t.Errorf("a small artifact makes %q", got)
	}
	if _, err := w.Write([]byte("more")); err != nil { // too much to hold: somewhere it has to be
		t.Fatal(err)
	}
	if err := errors.Join(w.Commit(), s.Remember([]Record{record()}), s.Sweep()); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(io.NewSectionReader(w, 0, w.Offset())); err != nil || len(got) != inMemory+4 {
		t.Errorf("%d bytes come back, %v", len(got), err)
	}
	if _, err := s.Open(w.Digest()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open = %v, want ErrNotExist", err)
	}
	if s.Has(w.Digest()) || s.Used() {
		t.Error("it is kept")
	}
	x, err := s.Records()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := x.Artifact(record().Tree); ok {
		t.Error("it remembers")
	}
	for name, list := range map[string]func() ([]Found, error){
		"List":   s.List,
		"Verify": func() ([]Found, error) { return s.Verify(t.Context(), true) },
		"Prune":  func() ([]Found, error) { return s.Prune(nil, false) },
	} {
		if found, err := list(); len(found) != 0 || err != nil {
			t.Errorf("%s = %v, %v", name, found, err)
		}
	}
	if err := errors.Join(w.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if got := append(files(t, temp), files(t, ".")...); len(got) != 0 {
		t.Errorf("there is still %q", got)
	}
}

func TestAStoreThatIsNotThere(t *testing.T) {
	s := newStore(t)
	found, err := s.List()
	if err != nil || found != nil {
		t.Errorf("List = %v, %v", found, err)
	}
	if found, err = s.Prune(nil, false); err != nil || len(found) != 0 {
		t.Errorf("Prune = %v, %v", found, err)
	}
	if err := s.Sweep(); err != nil {
		t.Error(err)
	}
	if _, err := s.Records(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.Dir()); !errors.Is(err, fs.ErrNotExist) {
		t.Error("looking makes the folder")
	}
}

func TestVerify(t *testing.T) {
	s := newStore(t)
	good, cut, big := mustCommit(t, s, []byte("good")), mustCommit(t, s, []byte("cut")), mustCommit(t, s, content(2*inMemory))
	for d, text := range map[digest.Digest]string{cut: "", big: "other"} {
		if err := os.WriteFile(filepath.Join(s.Dir(), "sha256", d.Hex()), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, fix := range []bool{false, true} {
		found, err := s.Verify(t.Context(), fix)
		if err != nil || len(found) != 3 {
			t.Fatalf("Verify = %v, %v", found, err)
		}
		for _, f := range found {
			var mismatch *digest.MismatchError
			if bad := errors.As(f.Err, &mismatch); bad == (f.Digest == good) {
				t.Errorf("%s: %v", f.Digest, f.Err)
			}
			if s.Has(f.Digest) != (f.Digest == good || !fix) {
				t.Errorf("fix %v: %s is there: %v", fix, f.Digest, s.Has(f.Digest))
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Verify(ctx, true); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if !s.Has(good) {
		t.Error("what is good is gone")
	}
}

func TestVerifyWhileOthersPrune(t *testing.T) {
	s := newStore(t)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			for i := range 20 {
				if _, err := commit(s, content(i)); err != nil {
					t.Error(err)
				}
			}
			if _, err := s.Prune(nil, false); err != nil {
				t.Error(err)
			}
		}
	})
	for range 100 {
		found, err := s.Verify(t.Context(), true)
		if err != nil {
			t.Error(err)
		}
		for _, f := range found {
			if f.Err != nil {
				t.Errorf("%s: %v", f.Digest, f.Err)
			}
		}
	}
	close(stop)
	wg.Wait()
}

func TestPrune(t *testing.T) {
	s := newStore(t)
	kept, small, large := mustCommit(t, s, []byte("kept")), mustCommit(t, s, []byte("small")), content(2*inMemory)
	w := s.Create(0, nil) // a process that has fetched it and is still unpacking
	if _, err := w.Write(large); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	a, err := s.Open(w.Digest())
	if err != nil {
		t.Fatal(err)
	}
	want := []digest.Digest{small, w.Digest()}
	slices.Sort(want)
	for _, dryRun := range []bool{true, false} {
		gone, err := New(s.Dir()).Prune([]digest.Digest{kept, digest.Of([]byte("never seen"))}, dryRun)
		if err != nil {
			t.Fatal(err)
		}
		var got []digest.Digest
		for _, f := range gone {
			got = append(got, f.Digest)
		}
		if !slices.Equal(got, want) {
			t.Errorf("dry run %v: gone are %s, want %s", dryRun, got, want)
		}
		for _, d := range want {
			if s.Has(d) != dryRun {
				t.Errorf("dry run %v: %s is there: %v", dryRun, d, s.Has(d))
			}
		}
	}
	if !s.Has(kept) {
		t.Error("what was to be kept is gone")
	}
	for name, r := range map[string]io.ReaderAt{"Writer": w, "Artifact": a} {
		if got, err := io.ReadAll(io.NewSectionReader(r, 0, int64(len(large)))); err != nil || !bytes.Equal(got, large) {
			t.Errorf("through the %s come %d bytes, %v", name, len(got), err)
		}
	}
	if err := errors.Join(w.Close(), a.Close(), a.Close()); err != nil && !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if mustCommit(t, s, []byte("after it")); !s.Used() {
		t.Error("the room of a living Store was swept")
	}
}

// What a killed process was writing goes, what a living one writes stays.
func TestSweepLeavesTheLivingAlone(t *testing.T) {
	if dir := os.Getenv("STORE_TEST_WRITES_TO"); dir != "" { // the process below
		if _, err := New(dir).Create(0, nil).Write(content(2 * inMemory)); err != nil {
			t.Error(err)
		}
		_, _ = os.Stdout.WriteString("x")
		_, _ = os.Stdin.Read(make([]byte, 1))
		return
	}
	s := newStore(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSweepLeavesTheLivingAlone$")
	cmd.Env = append(os.Environ(), "STORE_TEST_WRITES_TO="+s.Dir())
	out, err := cmd.StdoutPipe()
	if err == nil {
		_, err = cmd.StdinPipe() // never written to
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	before := files(t, s.Dir())
	if len(before) < 2 {
		t.Errorf("the process has written %q", before)
	}
	if err := s.Sweep(); err != nil {
		t.Error(err)
	}
	if _, err := s.Prune(nil, false); err != nil {
		t.Error(err)
	}
	if after := files(t, s.Dir()); !slices.Equal(before, after) {
		t.Errorf("while it lives, Sweep leaves %q of %q", after, before)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if err := s.Sweep(); err != nil {
		t.Error(err)
	}
	if after := files(t, s.Dir()); len(after) != 0 {
		t.Errorf("when it is killed, Sweep leaves %q", after)
	}
}
