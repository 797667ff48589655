package main

import (
	"fmt"
	"os"
	"strings"
)

// peakOf returns the most memory that a process had, in megabytes.
func peakOf(pid int) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(data), "VmHWM:")
	var kB float64
	_, err = fmt.Sscanf(rest, "%f kB", &kB)
	return kB / 1000, err
}
