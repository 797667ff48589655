package ref

import (
	"net/url"
	"strings"
)

// isDrive reports whether s is an absolute Windows path.
func isDrive(s string) bool {
	return len(s) >= 3 && isLetter(s[0]) && s[1] == ':' && (s[2] == '\\' || s[2] == '/')
}

// isPath reports whether s can only be meant as a path.
func isPath(s string) bool {
	return s == "." || s == ".." || isArchive(s) ||
		strings.HasPrefix(s, "/") || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") ||
		strings.Contains(s, `\`) ||
		// Shells complete the name of a folder with a slash, and no slug has one.
		strings.HasSuffix(s, "/")
}

// isArchive reports whether s is named like an archive.
func isArchive(s string) bool {
	s = strings.ToLower(s)
	for _, suffix := range [...]string{".zip", ".tar.gz", ".tgz", ".tar"} {
		if strings.HasSuffix(s, suffix) {
			return true
		}
	}
	return false
}

func parsePath(s string) (Ref, string) {
	if isArchive(s) {
		return Ref{Kind: File, Path: s}, ""
	}
	return Ref{Kind: Dir, Path: s}, ""
}

// parseFileURL reads what follows file://.
func parseFileURL(rest string) (Ref, string) {
	host, path, ok := strings.Cut(rest, "/")
	switch {
	case host != "" && !strings.EqualFold(host, "localhost"):
		return Ref{}, "file:// names another computer; a path on this one has three slashes: file:///path"
	case !ok:
		return Ref{}, "the path is missing: file:///path"
	case strings.ContainsAny(path, "?#"):
		return Ref{}, "a file:// address has no ? or #; write them as %3F and %23"
	}
	path, err := url.PathUnescape("/" + path)
	if err != nil {
		return Ref{}, "it has a % that is not followed by two hexadecimal digits"
	}
	if why := checkText(path); why != "" {
		return Ref{}, why
	}
	if strings.TrimSpace(path) != path {
		return Ref{}, "the path ends with white space"
	}
	if isDrive(path[1:]) {
		path = path[1:]
	}
	return parsePath(path)
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
