package transport

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/openskills-go/skills/pkg/digest"
)

// A contentRange is what a 206 holds: bytes first to last of total, or of an
// unknown number if total is -1.
type contentRange struct{ first, last, total int64 }

// parseContentRange reads "bytes 5-9/10" (RFC 9110, 14.4).
func parseContentRange(s string) (contentRange, bool) {
	var r contentRange
	unit, rest, ok := strings.Cut(s, " ")
	span, total, ok2 := strings.Cut(rest, "/")
	first, last, ok3 := strings.Cut(span, "-")
	if !ok || !ok2 || !ok3 || !strings.EqualFold(unit, "bytes") {
		return r, false
	}
	var ok4, ok5 bool
	r.first, ok4 = number(first)
	r.last, ok5 = number(last)
	if !ok4 || !ok5 || r.last < r.first {
		return r, false
	}
	if total == "*" {
		r.total = -1
		return r, true
	}
	r.total, ok = number(total)
	return r, ok && r.last < r.total
}

// number reads digits and nothing else.
func number(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil
}

// isStrong says whether an entity tag names bytes, so that parts of two answers
// with it fit together.
func isStrong(etag string) bool {
	return len(etag) >= 2 && etag[0] == '"' && etag[len(etag)-1] == '"'
}

// claimedDigest returns the sha256 digest that an answer claims for the whole
// artifact, or "". Different claims, and claims that cannot be read, are an
// error: which of them to believe would be a guess.
func (a *answer) claimedDigest() (digest.Digest, error) {
	var claim digest.Digest
	for _, name := range []string{"Repr-Digest", "Content-Digest", "Digest", "X-Clawhub-Artifact-Sha256", "X-Skill-Sha256"} {
		if name == "Content-Digest" && a.StatusCode == http.StatusPartialContent {
			continue // it is of the part (RFC 9530, 2)
		}
		for _, value := range a.Header.Values(name) {
			claims, ok := parseDigests(name, value)
			if !ok {
				return "", a.headerError(name, "is no sha256 digest")
			}
			for _, d := range claims {
				if claim != "" && claim != d {
					return "", a.headerError(name, "contradicts another digest of the same answer")
				}
				claim = d
			}
		}
	}
	return claim, nil
}

// parseDigests returns the sha256 digests in one line of a header: RFC 3230's
// "sha-256=base64", RFC 9530's "sha-256=:base64:", or plain hexadecimal digits.
// Other algorithms are passed over.
func parseDigests(name, value string) ([]digest.Digest, bool) {
	if strings.HasPrefix(name, "X-") {
		value = strings.ToLower(strings.TrimSpace(value))
		d, err := digest.Parse("sha256:" + strings.TrimPrefix(value, "sha256:"))
		return []digest.Digest{d}, err == nil
	}
	var claims []digest.Digest
	for item := range strings.SplitSeq(value, ",") {
		algorithm, text, _ := strings.Cut(strings.TrimSpace(item), "=")
		if !strings.EqualFold(algorithm, "sha-256") {
			continue
		}
		text, _, _ = strings.Cut(text, ";")
		text = strings.Trim(strings.TrimSpace(text), ":")
		sum, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(sum) != 32 {
			sum, err = hex.DecodeString(text) // a common mistake that leaves no doubt
		}
		if err != nil || len(sum) != 32 {
			return nil, false
		}
		claims = append(claims, digest.FromSum([32]byte(sum)))
	}
	return claims, true
}
