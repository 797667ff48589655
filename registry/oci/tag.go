package oci

import (
	"strconv"
	"strings"

	"github.com/openskills-go/skills/pkg/version"
)

// tagOf returns the tag of a version.
func tagOf(v string) string { return strings.ReplaceAll(v, "+", "_") }

// versionOf returns the version that a tag stands for, with or without a v; "" if
// it is none. No other part of a version can hold a _.
func versionOf(tag string) string {
	v := strings.Replace(strings.TrimPrefix(tag, "v"), "_", "+", 1)
	if !version.Valid(v) {
		return ""
	}
	return v
}

// quote makes text that others chose safe to print, and short.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "..."
	}
	return strconv.QuoteToASCII(s)
}

// quoteText is quote without the quotes, and whole.
func quoteText(s string) string {
	s = strconv.QuoteToASCII(s)
	return strings.ReplaceAll(s[1:len(s)-1], `\"`, `"`)
}
