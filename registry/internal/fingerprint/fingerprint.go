// Package fingerprint computes the hash by which the client of ClawHub knows which
// version of a skill it has: of the hashes of its files, in the order of
// JavaScript's localeCompare.
package fingerprint

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// Of returns the fingerprint of files, by path. Hidden ones and those of
// node_modules do not count.
func Of(files map[string][]byte) string { return of(files, counts) }

// OfText returns the fingerprint of those that are text by their names, which is
// all that clients up to 0.20 publish and compare.
func OfText(files map[string][]byte) string {
	return of(files, func(name string) bool { return counts(name) && isText(name, files[name]) })
}

func of(files map[string][]byte, keep func(string) bool) string {
	var paths []string
	for name := range files {
		if keep(name) {
			paths = append(paths, name)
		}
	}
	slices.Sort(paths) // what is equal to a collator has an order of its own
	collate.New(language.Und).SortStrings(paths)
	lines := make([]string, len(paths))
	for i, name := range paths {
		lines[i] = name + ":" + sum(files[name])
	}
	return sum([]byte(strings.Join(lines, "\n")))
}

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

func counts(name string) bool {
	return !slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool {
		return strings.HasPrefix(part, ".") || part == "node_modules"
	})
}

// textExtensions are those that the client takes for text: textFiles.js of clawhub
// 0.20.0. What has no extension is text if it reads as such.
var textExtensions = strings.Fields(`md mdx txt json json5 yaml yml toml js cjs mjs ts tsx jsx py sh ps1 psm1 psd1 r rb go rs swift kt java cs cpp c h hpp
	sql csv tsv ini cfg conf env properties dat xml html css scss sass svg`)

func isText(name string, data []byte) bool {
	ext := strings.TrimPrefix(strings.ToLower(path.Ext(name)), ".")
	if ext == "" {
		return utf8.Valid(data) && !strings.Contains(string(data), "\x00")
	}
	return slices.Contains(textExtensions, ext)
}
