package ref

import (
	"strings"

	"github.com/openskills-go/skills/pkg/version"
)

const gitHub = "github.com/"

// isGitHub reports whether s names a repository the way people write it without
// a scheme.
func isGitHub(s string) bool {
	return len(s) >= len(gitHub) && strings.EqualFold(s[:len(gitHub)], gitHub)
}

// isRepository reports whether the path of a web address is that of a git
// repository, by the .git that only those end in.
func isRepository(path string) bool {
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	path, _, _ = cutRev(path)
	path, _, _ = strings.Cut(path, "//")
	return strings.HasSuffix(path, ".git")
}

// parseGitHub reads owner/repository[//folder][@ref], or the path of a page.
func parseGitHub(s string) (Ref, string) {
	const form = "a repository on GitHub is github.com/owner/repository[//folder][@ref]"
	if r, ok := parsePage(s); ok {
		return r, ""
	}
	name, r, why := cutGit(s)
	if why != "" {
		return Ref{}, why
	}
	owner, repo, _ := strings.Cut(name, "/")
	for strings.HasSuffix(repo, ".git") {
		repo = strings.TrimSuffix(repo, ".git")
	}
	switch {
	case strings.Contains(repo, "/"):
		return Ref{}, form + "; a folder goes after //, and the address of an archive begins with https://"
	case !validGitHub(owner) || !validGitHub(repo):
		return Ref{}, form
	}
	r.URL = "https://" + gitHub + owner + "/" + repo
	return r, ""
}

// parsePage reads the path of a page on GitHub that people copy and that is no
// artifact: that of a folder, or of the SKILL.md in it. A branch with a slash in
// its name cannot be told from folders, so the name ends at the first.
func parsePage(path string) (Ref, bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) < 4 {
		return Ref{}, false
	}
	folder := parts[4:]
	switch last := len(folder) - 1; {
	case parts[2] == "tree":
	case parts[2] == "blob" && last >= 0 && folder[last] == "SKILL.md":
		folder = folder[:last]
	default:
		return Ref{}, false
	}
	r, why := parseGitHub(parts[0] + "/" + parts[1])
	if why != "" || r.Rev != "" || r.Query != (version.Query{}) || !validRev(parts[3]) {
		return Ref{}, false
	}
	r.Rev, r.Subdir = parts[3], strings.Join(folder, "/")
	return r, checkSubdir(r.Subdir) == ""
}

func validGitHub(s string) bool {
	const most = 100
	for _, c := range []byte(s) {
		if !isAlphanumeric(c) && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return s != "" && len(s) <= most && s[0] != '-' && s != "." && s != ".."
}

// parseSCP reads git@host:path, which is what web pages offer to copy.
func parseSCP(authority, path string) (Ref, string) {
	return parseGit("ssh", authority+"/"+strings.TrimPrefix(path, "/"))
}

// parseGit reads what follows git+scheme://.
func parseGit(scheme, rest string) (Ref, string) {
	authority, path, _ := strings.Cut(rest, "/")
	host, user := authority, ""
	at := strings.LastIndexByte(authority, '@')
	if at >= 0 {
		user, host = authority[:at], authority[at+1:]
	}
	switch {
	case at >= 0 && (scheme != "ssh" || user != "git"):
		return Ref{}, "it has a user or password in it; only git@ is accepted, and only over ssh"
	case scheme == "file" && host != "":
		return Ref{}, "a repository on this computer is git+file:///path, with three slashes"
	case scheme != "file" && !validHost(host):
		return Ref{}, "the host is missing or not valid: git+" + scheme + "://host/path"
	}
	if scheme == "https" && isGitHub(host+"/") {
		return parseGitHub(path)
	}
	name, r, why := cutGit(path)
	if why != "" {
		return Ref{}, why
	}
	if name == "" {
		return Ref{}, "the path of the repository is missing: git+" + scheme + "://" + authority + "/path"
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || part[0] == '-' {
			return Ref{}, "the path of the repository has an empty part, ., .., or one that begins with -"
		}
	}
	if strings.ContainsAny(name, " \\\"<>^`{|}") {
		return Ref{}, "the path of the repository has a character that addresses do not have; write it as % and two hexadecimal digits"
	}
	r.URL = scheme + "://" + authority + "/" + name
	return r, ""
}

// cutGit splits repository[//folder][@ref], and checks all but the repository,
// which is all that the Ref lacks.
func cutGit(s string) (name string, r Ref, why string) {
	if strings.ContainsAny(s, "?#") {
		return "", Ref{}, "a branch, tag or commit goes after an @ at the end, not after ? or #"
	}
	r = Ref{Kind: Git}
	s, rev, hasRev := cutRev(strings.TrimRight(s, "/"))
	switch {
	case strings.Contains(rev, "//"):
		return "", Ref{}, "the ref goes last: repository//folder@ref"
	case hasRev && rev == "":
		return "", Ref{}, "nothing follows the @; leave it out, or add a branch, tag or commit"
	case hasRev && isConstraint(rev):
		q, err := version.ParseQuery(rev)
		if err != nil {
			return "", Ref{}, queryWhy(err)
		}
		r.Query = q
	case hasRev && !validRev(rev):
		return "", Ref{}, quote(rev) + " after the @ is not accepted as a branch, tag or commit"
	default:
		r.Rev = rev
	}
	name, r.Subdir, _ = strings.Cut(strings.TrimRight(s, "/"), "//")
	if _, _, again := cutRev(name); again {
		return "", Ref{}, "it has more than one @"
	}
	return name, r, checkSubdir(r.Subdir)
}

// isConstraint reports whether what follows the @ asks for one of the version
// tags. It begins as no branch or tag does that validRev accepts, so that v1.2
// and 1.x stay names.
func isConstraint(s string) bool { return s != "" && strings.IndexByte("^~<>=", s[0]) >= 0 }

// cutRev cuts at the last @ that does not begin a part of the path: folders may
// be named @scope.
func cutRev(s string) (before, rev string, found bool) {
	for i := len(s) - 1; i > 0; i-- {
		if s[i] == '@' && s[i-1] != '/' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

func checkSubdir(s string) string {
	if s == "" {
		return ""
	}
	if why := checkText(s); why != "" {
		return why
	}
	for part := range strings.SplitSeq(s, "/") {
		switch {
		case part == "" || part == "." || part == "..":
			return "the folder after // has an empty part, . or .."
		case part[0] == '-' || strings.Contains(part, `\`) || strings.TrimSpace(part) != part:
			return "the folder after // has a part that begins with -, has a \\, or white space at its ends"
		}
	}
	return ""
}

// validRev accepts the names of branches and tags that need no quoting, and
// commits. What begins with - would be an option to git.
func validRev(s string) bool {
	const most = 200
	for i, c := range []byte(s) {
		if !isAlphanumeric(c) && (i == 0 || c != '.' && c != '_' && c != '/' && c != '-') {
			return false
		}
	}
	return s != "" && len(s) <= most && !strings.Contains(s, "..") && !strings.Contains(s, "//") && !strings.HasSuffix(s, "/")
}
