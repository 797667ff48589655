package main

import (
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	ms := func(values ...float64) (s samples) {
		for _, v := range values {
			s = append(s, sample{wall: time.Duration(v * float64(time.Millisecond))})
		}
		return s
	}
	for _, tc := range []struct {
		name          string
		in            samples
		median, least float64
	}{
		{"none", nil, 0, 0},
		{"one", ms(3), 3, 3},
		{"odd, unsorted", ms(9, 1, 5), 5, 1},
		{"even", ms(4, 1, 2, 9), 3, 1},
		{"an outlier does not move it", ms(2, 2, 2, 2, 900), 2, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.in.median(); got != tc.median {
				t.Errorf("median is %v, want %v", got, tc.median)
			}
			if got := tc.in.least(); got != tc.least {
				t.Errorf("least is %v, want %v", got, tc.least)
			}
		})
	}
}

func TestPeakIsTheLargest(t *testing.T) {
	s := samples{{peak: 3 << 20}, {peak: 7 << 20}, {peak: 5 << 20}}
	if got := s.peak(); got != 7 {
		t.Errorf("peak is %v MB, want 7", got)
	}
}
