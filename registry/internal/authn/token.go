// Package authn tells who asks: tokens, logins of devices, limits on how often.
//
// A token is "skl_", 43 characters that hold 256 random bits, and 6 of a checksum,
// by which scanners of secrets know it from noise. Only its SHA-256 is kept: of so
// many random bits a slow hash would protect nothing more.
package authn

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash/crc32"
	"strings"
)

const (
	tokenPrefix = "skl_"
	secretBytes = 32
	secretChars = 43 // of base64
	sumChars    = 6  // of base 62

	digits62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// ErrUnauthorized matches the error about a token that is none, or holds no more.
// Which of these it is, is not told.
var ErrUnauthorized = errors.New("unauthorized")

// newSecret returns text that nobody can guess, with a prefix and a checksum.
func newSecret(prefix string) string {
	var random [secretBytes]byte
	_, _ = rand.Read(random[:]) // it does not fail: the process ends first
	text := prefix + base64.RawURLEncoding.EncodeToString(random[:])
	return text + checksum(text)
}

func checksum(text string) string {
	n := crc32.ChecksumIEEE([]byte(text))
	var out [sumChars]byte
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = digits62[n%62]
		n /= 62
	}
	return string(out[:])
}

// parseSecret returns the hash by which a secret is looked up. Most of what is none
// is known by its checksum, and asks nothing of the database. The look-up compares
// hashes: how long it takes tells nothing about a secret.
func parseSecret(prefix, text string) ([32]byte, bool) {
	if len(text) != len(prefix)+secretChars+sumChars || !strings.HasPrefix(text, prefix) {
		return [32]byte{}, false
	}
	if cut := len(text) - sumChars; checksum(text[:cut]) != text[cut:] {
		return [32]byte{}, false
	}
	return sha256.Sum256([]byte(text)), true
}
