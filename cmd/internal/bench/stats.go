package main

import (
	"slices"
	"time"
)

// A sample is what one run of a command took.
type sample struct {
	wall time.Duration
	peak int64 // bytes
}

// samples are the runs of one case.
type samples []sample

// median returns the middle wall time in milliseconds: the mean of the two in
// the middle if there is no one.
func (s samples) median() float64 {
	times := s.times()
	if len(times) == 0 {
		return 0
	}
	half := len(times) / 2
	if len(times)%2 == 1 {
		return times[half]
	}
	return (times[half-1] + times[half]) / 2
}

// least returns the smallest wall time in milliseconds.
func (s samples) least() float64 {
	if len(s) == 0 {
		return 0
	}
	return s.times()[0]
}

// times returns the wall times in milliseconds, sorted.
func (s samples) times() []float64 {
	times := make([]float64, len(s))
	for i, one := range s {
		times[i] = float64(one.wall) / float64(time.Millisecond)
	}
	slices.Sort(times)
	return times
}

// peak returns the largest peak memory of any run, in MB of 2^20 bytes.
func (s samples) peak() float64 {
	var most int64
	for _, one := range s {
		most = max(most, one.peak)
	}
	return float64(most) / (1 << 20)
}
