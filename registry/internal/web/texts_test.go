package web

import (
	"reflect"
	"testing"
)

// Both languages have a word for everything.
func TestTexts(t *testing.T) {
	for _, text := range []*texts{english, chinese} {
		v := reflect.ValueOf(*text)
		for i := range v.NumField() {
			if v.Field(i).String() == "" {
				t.Errorf("%s has no %s", text.Lang, v.Type().Field(i).Name)
			}
		}
	}
}
