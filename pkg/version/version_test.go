package version_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/semver"
	"pgregory.net/rapid"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/pkg/version"
)

func TestValid(t *testing.T) {
	for _, s := range []string{
		"0.0.0", "1.2.3", "10.20.30", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-0.3.7", "1.0.0-x-y-z.--", "1.0.0+001", "1.0.0-beta+exp.sha.5114f85",
		"1.0.0--", "18446744073709551615.0.0",
	} {
		if !version.Valid(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{
		"", "1", "1.2", "v1.2.3", "1.2.3.4", "01.2.3", "1.02.3", "1.2.03", "1.2.3-", "1.2.3-01", "1.2.3-a..b", "1.2.3+", "1.2.3+a+b", "1.2.3-a_b",
		" 1.2.3", "1.2.3\n", "1.2.3-é", "-1.2.3", "1.2.x", "latest", "../1.2.3", "1.2.3/..", "1.2.3-\x00", "１.2.3", strings.Repeat("1", 300) + ".0.0",
	} {
		if version.Valid(s) {
			t.Errorf("%q is accepted", s)
		}
	}
}

// The order of the semver.org specification, section 11, and ours around it.
func TestCompareOrder(t *testing.T) {
	ascending := []string{
		"", "2024-01-05", "latest", "v1.0.0", // no semantic versions: by bytes
		"0.0.0-t0123456789ab", "0.0.0", "0.0.1",
		"1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
		"1.0.0-rc.1", "1.0.0", "1.0.0+a", "1.0.0+b", "1.0.1", "1.9.0", "1.10.0", "2.0.0-rc.1", "2.0.0", "10.0.0",
	}
	for i, a := range ascending {
		for j, b := range ascending {
			if got, want := version.Compare(a, b), cmp.Compare(i, j); got != want {
				t.Errorf("Compare(%q, %q) = %d, want %d", a, b, got, want)
			}
		}
	}
}

// Where build metadata does not decide, the order is that of another
// implementation of the specification.
func TestCompareOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := versions().Draw(t, "a"), versions().Draw(t, "b")
		want := semver.Compare("v"+a, "v"+b)
		got := version.Compare(a, b)
		if want != 0 && got != want || want == 0 && got != strings.Compare(a, b) {
			t.Fatalf("Compare(%q, %q) = %d, want %d", a, b, got, want)
		}
		if semver.IsValid("v"+a) != version.Valid(a) {
			t.Fatalf("Valid(%q) = %v", a, version.Valid(a))
		}
	})
}

func TestCompareIsTotalOrder(t *testing.T) {
	texts := rapid.OneOf(versions(), rapid.StringMatching(`[0-9v.+a-]{0,8}`))
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := texts.Draw(t, "a"), texts.Draw(t, "b"), texts.Draw(t, "c")
		if version.Compare(a, b) != -version.Compare(b, a) {
			t.Fatalf("%q and %q depend on who is first", a, b)
		}
		if (version.Compare(a, b) == 0) != (a == b) {
			t.Fatalf("Compare(%q, %q) = %d", a, b, version.Compare(a, b))
		}
		sorted := []string{a, b, c}
		slices.SortFunc(sorted, version.Compare)
		if version.Compare(sorted[0], sorted[2]) > 0 {
			t.Fatalf("%q are no order", sorted)
		}
	})
}

func versions() *rapid.Generator[string] {
	return rapid.StringMatching(`(0|[1-9][0-9]?)\.(0|[1-9])\.(0|[1-9])(-(0|[1-9][0-9]?|[ab]{1,2}|-|[0-9][a-b])(\.(0|[1-9]|a))?)?(\+[0-9a-b]{1,2})?`)
}

func TestFromTree(t *testing.T) {
	var sum [32]byte
	copy(sum[:], "\x01\x23\x45\x67\x89\xab\xcd")
	tree := digest.OfTree([]digest.File{{Path: "SKILL.md", Sum: sum}})
	v := version.FromTree(tree)
	if !version.Valid(v) || len(v) != len("0.0.0-t")+12 {
		t.Errorf("FromTree(%s) = %q", tree, v)
	}
	// Printed by printf of the digest | base64 -d | xxd -p -l 6.
	if got, want := version.FromTree("h1:l9YoCufJAl0h8wbcf5mjtNkjByB3kN//3fNDuCE683c="), "0.0.0-t97d6280ae7c9"; got != want {
		t.Errorf("FromTree = %q, want %q", got, want)
	}
	// Twelve decimal digits that begin with a zero would not be a valid
	// prerelease without the letter.
	if got := version.FromTree("h1:ASNFZ4kBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="); got != "0.0.0-t012345678901" || !version.Valid(got) {
		t.Errorf("FromTree = %q, which is not valid", got)
	}
	for _, d := range []digest.Digest{"", "h1:", "h1:AAAA", "h1:!", digest.Of(nil)} {
		if got := version.FromTree(d); got != "" {
			t.Errorf("FromTree(%q) = %q, want none", d, got)
		}
	}
}
