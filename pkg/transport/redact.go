package transport

import (
	"net/url"
	"strings"
)

// redact returns a URL for the log: whole, but for what may be a secret.
func redact(u *url.URL) string {
	shown := u.Scheme + "://" + u.Host + u.EscapedPath()
	if u.RawQuery != "" {
		shown += "?" + redactQuery(u.RawQuery)
	}
	return clip(shown, clipText)
}

func redactQuery(query string) string {
	parts := strings.Split(query, "&")
	for i, part := range parts {
		key, value, _ := strings.Cut(part, "=")
		plainKey, err := url.QueryUnescape(key)
		plain, err2 := url.QueryUnescape(value)
		switch {
		case err != nil || err2 != nil || looksSecret("", plainKey):
			parts[i] = "REDACTED"
		case looksSecret(plainKey, plain):
			parts[i] = key + "=REDACTED"
		}
	}
	return strings.Join(parts, "&")
}

// looksSecret says whether a parameter is called like a secret, or its value
// reads like one: a long run of letters and digits that is no word.
func looksSecret(key, value string) bool {
	key = strings.ToLower(key)
	for _, word := range []string{"token", "secret", "pass", "pwd", "auth", "sig", "cred", "key", "code", "session", "jwt"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	run, digits := 0, 0
	for _, c := range []byte(value) {
		switch {
		case '0' <= c && c <= '9':
			digits++
			run++
		case 'a' <= c|0x20 && c|0x20 <= 'z', c == '+', c == '/', c == '=':
			run++
		default:
			run, digits = 0, 0
		}
		if run >= 16 && digits > 0 {
			return true
		}
	}
	return len(value) > 200
}
