package locale_test

import (
	"strings"
	"testing"

	"github.com/openskills-go/skills/registry/internal/locale"
)

func TestValid(t *testing.T) {
	for s, want := range map[string]bool{
		"en": true, "zh": true, "zh-CN": true, "zh-Hant-TW": true, "es-419": true, "gsw": true,
		"": false, "e": false, "engl": false, "e1": false, "zh_CN": false, "zh-": false, "-zh": false,
		"zh--CN": false, "zh/..": false, "z\x00": false, "zh-123456789": false, "中文": false,
		"en" + strings.Repeat("-abcdefgh", 4): false,
	} {
		if got := locale.Valid(s); got != want {
			t.Errorf("Valid(%q) = %v", s, got)
		}
	}
}
