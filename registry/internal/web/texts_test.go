package web

import (
	"reflect"
	"testing"
)

// Both languages have a word for everything.
func TestTexts(t *testing.T) {
	for _, text := range []*texts{english, chinese} {
		for field, word := range reflect.ValueOf(*text).Fields() {
			if word.String() == "" {
				t.Errorf("%s has no %s", text.Lang, field.Name)
			}
		}
	}
}
