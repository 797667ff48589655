package install

import "testing"

func TestLockedBy(t *testing.T) {
	const locks = `1: POSIX  ADVISORY  WRITE 11 08:01:77 0 EOF
2: FLOCK  ADVISORY  WRITE 22 08:02:77 0 EOF
3: FLOCK  ADVISORY  WRITE 33 08:01:770 0 EOF
4: -> FLOCK  ADVISORY  WRITE 44 08:01:77 0 EOF
5: FLOCK  ADVISORY  WRITE 55 08:01:77 0 EOF
5: -> FLOCK  ADVISORY  WRITE 66 08:01:77 0 EOF
6: FLOCK  ADVISORY  WRITE 0 08:01:88 0 EOF
7: FLOCK  ADVISORY  WRITE -1 08:01:89 0 EOF
8: FLOCK  ADVISORY  WRITE x 08:01:90 0 EOF
9: FLOCK
`
	for file, want := range map[string]int{"08:01:77": 55, "08:01:88": 0, "08:01:89": -1, "08:01:90": 0, "08:01:7": 0, "": 0} {
		if got := lockedBy([]byte(locks), file); got != want {
			t.Errorf("%s: %d, want %d", file, got, want)
		}
	}
}

func TestCommandOf(t *testing.T) {
	for args, want := range map[string]string{
		"":                              "",
		"\x00":                          "",
		"/usr/bin/skills\x00update\x00": "skills update",
		"skills\x00--json\x00-q\x00install\x00pdf\x00": "skills install",
		"skills":                            "skills",
		"sh\x00-c\x00echo TOKEN=abc\x00":    "sh",
		"curl\x00https://user:pw@host/\x00": "curl",
		"x\x00\x1b[2J\x00":                  "x",
		"/a/\xffb\x00":                      "?b",
	} {
		if got := commandOf([]byte(args)); got != want {
			t.Errorf("%q: %q, want %q", args, got, want)
		}
	}
}
