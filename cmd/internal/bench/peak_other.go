//go:build !linux

package main

import "errors"

// peakOf returns the most memory that a process had, in megabytes.
func peakOf(int) (float64, error) { return 0, errors.ErrUnsupported }
