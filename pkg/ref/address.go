package ref

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/openskills-go/skills/pkg/digest"
)

// isScheme reports whether s can stand before "://". One letter is a drive.
func isScheme(s string) bool {
	for i, c := range []byte(s) {
		if !isLetter(c) && (i == 0 || !('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false
		}
	}
	return len(s) > 1
}

// parseURL checks a web address. That of a git repository is taken as one; any
// other stays what it is, whatever it leads to.
func parseURL(s, scheme, rest string) (Ref, string) {
	authority, path := cutAuthority(rest)
	switch {
	case strings.Contains(authority, "@"):
		return Ref{}, "it has a user or password in it, and addresses are stored and shown"
	case strings.ContainsFunc(s, unicode.IsSpace):
		return Ref{}, "it has a space; write %20, or give each reference as an argument of its own"
	case strings.Contains(s, `\`):
		return Ref{}, `it has a \; web addresses have /`
	case strings.ContainsFunc(s, isInvisible):
		return Ref{}, "it has a character that cannot be seen; type the address, or copy it again"
	case authority == "":
		return Ref{}, "the host is missing: " + scheme + "://host/path"
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || !validPort(u.Port()) || strings.HasSuffix(u.Host, ":") {
		// The parser's own words may hold a password.
		return Ref{}, "it is not a valid web address"
	}
	if scheme == "https" && isGitHub(strings.TrimPrefix(strings.ToLower(authority), "www.")+"/") {
		if r, why := parseGitHub(strings.TrimPrefix(u.Path, "/")); why == "" {
			return r, ""
		}
	}
	if scheme == "https" && isRepository(path) {
		return parseGit(scheme, rest)
	}
	return Ref{Kind: URL, URL: s}, ""
}

// cutAuthority cuts what follows "://" before the path, if there is one.
func cutAuthority(rest string) (authority, path string) {
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		return rest[:i], rest[i:]
	}
	return rest, ""
}

func parseOCI(rest string) (Ref, string) {
	host, path, ok := strings.Cut(rest, "/")
	switch {
	case strings.Contains(host, "@"):
		return Ref{}, "it has a user or password in it, and addresses are stored and shown"
	case !ok || !validHost(host):
		return Ref{}, "an OCI reference is oci://host/repository[:tag|@sha256:digest]"
	}
	name, rev, why := cutOCI(path)
	switch {
	case why != "":
		return Ref{}, why
	case !validRepository(name):
		return Ref{}, "the repository has other characters than lower-case letters, digits and single separators (- _ . /)"
	}
	return Ref{Kind: OCI, URL: "oci://" + host + "/" + name, Rev: rev}, ""
}

// parseLayout reads what follows oci+file://: the absolute path of a folder with
// an OCI image layout. A : in the name of the folder itself is written as %3A.
func parseLayout(rest string) (Ref, string) {
	const form = "an OCI layout is oci+file:///folder[:tag|@sha256:digest]"
	if !strings.HasPrefix(rest, "/") || strings.ContainsAny(rest, "?#\\") {
		return Ref{}, form
	}
	i := strings.LastIndexByte(rest, '/') + 1
	folder, last := rest[:i], rest[i:]
	name, rev, why := cutOCI(last)
	if why != "" {
		return Ref{}, why
	}
	path, err := url.PathUnescape(folder + name)
	if err != nil {
		return Ref{}, "it has a % that is not followed by two hexadecimal digits"
	}
	if name == "" && folder == "/" || strings.TrimSpace(path) != path {
		return Ref{}, form
	}
	if why := checkText(path); why != "" {
		return Ref{}, why
	}
	return Ref{Kind: OCI, URL: "oci+file://" + folder + name, Rev: rev}, ""
}

// cutOCI cuts the tag or the digest off a name.
func cutOCI(s string) (name, rev, why string) {
	name, sum, hasSum := strings.Cut(s, "@")
	name, tag, hasTag := strings.Cut(name, ":")
	switch {
	case hasSum && hasTag:
		return "", "", "it has a tag and a digest; give one of them"
	case hasTag && !validOCITag(tag):
		return "", "", "the tag after the : has other characters than letters, digits and _ . -, or more than 128"
	case hasSum:
		d, err := digest.Parse(sum)
		if err != nil || d.Hex() == "" {
			return "", "", "what follows the @ is not sha256: with 64 hexadecimal digits"
		}
	}
	return name, tag + sum, ""
}

// validRepository follows the name rule of the OCI distribution specification.
func validRepository(s string) bool {
	const most = 255
	if len(s) > most {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		for word := range strings.FieldsFuncSeq(part, func(c rune) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }) {
			if word != "." && word != "_" && word != "__" && strings.Trim(word, "-") != "" {
				return false // what is left between the words are the separators
			}
		}
		if part == "" || !isAlphanumeric(part[0]) || !isAlphanumeric(part[len(part)-1]) {
			return false
		}
	}
	return true
}

func validOCITag(s string) bool {
	const most = 128
	for i, c := range []byte(s) {
		if !isAlphanumeric(c) && c != '_' && (i == 0 || c != '.' && c != '-') {
			return false
		}
	}
	return s != "" && len(s) <= most
}

// validHost accepts host, host:port and [IPv6]:port, in ASCII. It never begins
// with "-": git and ssh would take that for an option.
func validHost(s string) bool {
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host, port = s[:i], s[i+1:]
		if port == "" {
			return false
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		return ok && inner != "" && strings.Trim(inner, "0123456789abcdefABCDEF:.") == "" && validPort(port)
	}
	for _, c := range []byte(host) {
		if !isAlphanumeric(c) && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return host != "" && host[0] != '-' && host[0] != '.' && validPort(port)
}

func validPort(s string) bool {
	if s == "" {
		return true
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && s[0] != '+'
}

func isAlphanumeric(c byte) bool { return isLetter(c) || '0' <= c && c <= '9' }
