//go:build !unix

package main

import "os"

// peak returns the largest resident set that a finished process had, in bytes.
func peak(*os.ProcessState) int64 { return 0 }
