package main

import (
	"net"
	"testing"
)

func TestSentryCountsConnections(t *testing.T) {
	s, err := newSentry(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := s.listener.Addr().String()
	for range 3 {
		var dialer net.Dialer
		conn, err := dialer.DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		// The sentry hangs up after it has counted.
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("the sentry said something")
		}
		conn.Close()
	}
	s.close()
	if got := s.visits.Load(); got != 3 {
		t.Errorf("counted %d visits, want 3", got)
	}
}
