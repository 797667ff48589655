package ref

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openskills-go/skills/pkg/version"
)

// maxRef bounds what Parse looks at: paths may be this long, web addresses
// should not be.
const maxRef = 4096

// A ParseError says why a text is no reference, for the person who typed it.
type ParseError struct {
	Input string // quoted, cut, without credentials: safe to print
	Why   string
}

func (e *ParseError) Error() string { return "parse reference " + e.Input + ": " + e.Why }

// Parse reads a reference. It accepts, with white space around it:
//
//	[registry:][owner/]slug[@query]   pdf, acme:pdf@^1.2, @alice/pdf@latest
//	a folder or an archive file       ./pdf, ../pdf, /pdf, C:\pdf, pdf.zip, file:///pdf
//	a web address                     https://host/pdf.zip, https://host/skills/pdf
//	a git repository                  github.com/o/r[//folder][@ref], gh:o/r@^1.2, git+https://host/r.git,
//	                                  git+ssh://git@host/r.git, git+file:///r, git@host:r.git, https://host/r.git,
//	                                  pages of a repository or folder on GitHub
//	an OCI artifact                   oci://host/repository[:tag|@sha256:digest],
//	                                  oci+file:///layout[:tag|@sha256:digest]
//
// Slugs are opaque. An error is a *ParseError.
func Parse(s string) (Ref, error) {
	s = strings.TrimSpace(s)
	r, why := parse(s)
	if why != "" {
		return Ref{}, &ParseError{Input: quote(redact(s)), Why: why}
	}
	return r, nil
}

// Every function below that reads a part of a reference returns why it cannot be
// one, or "".
func parse(s string) (Ref, string) {
	if why := checkText(s); why != "" {
		return Ref{}, why
	}
	switch {
	case isDrive(s) || strings.HasPrefix(s, `\`):
		return parsePath(s)
	case strings.HasPrefix(s, "~"):
		return Ref{}, "the shell did not expand the ~; write $HOME or the whole path, or ./ before it if it is part of a name"
	case strings.HasPrefix(s, "-"):
		return Ref{}, "it looks like an option; write ./ before it if it is the name of a folder"
	case strings.HasPrefix(s, "@"):
		return parseRegistry("", s)
	}
	if scheme, rest, ok := strings.Cut(s, "://"); ok && isScheme(scheme) {
		return parseScheme(s, strings.ToLower(scheme), rest)
	}
	prefix, rest, colon := strings.Cut(s, ":")
	switch {
	case isGitHub(s):
		return parseGitHub(s[len(gitHub):])
	case colon && strings.HasPrefix(s, "git@"):
		return parseSCP(prefix, rest)
	case colon && strings.EqualFold(prefix, "gh"):
		return parseGitHub(rest)
	case colon && isRegistry(prefix):
		return parseRegistry(prefix, rest)
	case strings.HasPrefix(s, "http//") || strings.HasPrefix(s, "https//"):
		return Ref{}, "a web address begins with https://"
	case isPath(s):
		return parsePath(s)
	}
	return parseRegistry("", s)
}

// checkText refuses what no kind of reference can hold.
func checkText(s string) string {
	switch {
	case s == "":
		return "it is empty; name a skill (pdf), a folder (./pdf) or a web address"
	case len(s) > maxRef:
		return fmt.Sprintf("it is longer than %d bytes", maxRef)
	case !utf8.ValidString(s):
		return "it is not valid UTF-8"
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return fmt.Sprintf("it has the control character %U", r)
		}
	}
	return ""
}

func parseScheme(s, scheme, rest string) (Ref, string) {
	switch scheme {
	case "http", "https":
		return parseURL(s, scheme, rest)
	case "git+https", "git+ssh", "git+file":
		return parseGit(strings.TrimPrefix(scheme, "git+"), rest)
	case "ssh":
		return parseGit(scheme, rest)
	case "oci":
		return parseOCI(rest)
	case "oci+file":
		return parseLayout(rest)
	case "file":
		return parseFileURL(rest)
	case "git", "git+http", "git+git":
		return Ref{}, scheme + ":// is not protected on its way: write git+https:// or git+ssh://"
	}
	return Ref{}, "the scheme " + quote(scheme) + " is not known; known are https, http, git+https, git+ssh, git+file, oci, oci+file and file"
}

// parseRegistry reads what follows registry:, or all of it.
func parseRegistry(registry, s string) (Ref, string) {
	if isReserved(registry) {
		return Ref{}, "no registry can have the name " + registry + "; addresses begin with " + registry + "://"
	}
	s, owned := strings.CutPrefix(s, "@")
	name, query, hasQuery := strings.Cut(s, "@")
	if owned && !strings.Contains(name, "/") {
		return Ref{}, "an owner needs a slug after it: @owner/slug"
	}
	r := Ref{Kind: Registry, Registry: registry}
	if strings.Contains(name, "//") {
		return Ref{}, "// is for a folder in a git repository: github.com/owner/repository//folder"
	}
	switch parts := strings.Split(name, "/"); len(parts) {
	case 1:
		r.Slug = parts[0]
	case 2:
		r.Owner, r.Slug = parts[0], parts[1]
		if why := checkName("owner", r.Owner); why != "" {
			return Ref{}, why
		}
	default:
		return Ref{}, fmt.Sprintf("it has %d parts, and owner/slug has two; write ./ before a folder, https:// before a web address, "+
			"git+https:// before a git repository", len(parts))
	}
	if why := checkName("slug", r.Slug); why != "" {
		return Ref{}, why
	}
	if !hasQuery {
		return r, ""
	}
	if strings.TrimSpace(query) == "" {
		return Ref{}, "nothing follows the @; leave it out, or add a version (@1.2.3), a constraint (@^1.2) or a tag (@latest)"
	}
	if strings.Contains(query, "@") {
		return Ref{}, "it has more than one @"
	}
	q, err := version.ParseQuery(query)
	if err != nil {
		return Ref{}, queryWhy(err)
	}
	r.Query = q
	return r, ""
}

// redact takes out what may be a credential in an address, wherever the person
// put it and however the rest is spelled.
func redact(s string) string {
	start, scheme := strings.Index(s, ":/"), true
	if start < 0 {
		start, scheme = strings.Index(s, "//"), false
	}
	end := strings.LastIndexByte(s, '@')
	if start < 0 || end < start {
		return s
	}
	start += len(s[start:]) - len(strings.TrimLeft(s[start:], ":/"))
	user := s[start:max(start, end)]
	// An @ in a path has a host before it, which is no secret; but what has a :
	// may be a password with a slash.
	inPath := strings.Contains(user, "/") || !scheme
	if user == "git" || inPath && !strings.ContainsAny(user, ":@") {
		return s
	}
	return s[:start] + "..." + s[end:]
}

// quote makes what someone typed safe to print.
func quote(s string) string {
	const most = 80
	if len(s) <= most {
		return strconv.QuoteToASCII(s)
	}
	cut := most
	for !utf8.RuneStart(s[cut]) && cut > most-utf8.UTFMax {
		cut--
	}
	return strconv.QuoteToASCII(s[:cut]) + "..."
}
