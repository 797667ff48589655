package server

import (
	"context"

	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

// metrics are what a server tells of itself.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func (s *Server) newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "skills_requests_total", Help: "Requests that were answered."}, []string{"kind", "code"}),
		bytes:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "skills_sent_bytes_total", Help: "Bytes of the bodies of answers."}, []string{"kind"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "skills_request_seconds", Help: "Time that answers took.", Buckets: prometheus.ExponentialBuckets(0.0005, 4, 9),
		}, []string{"kind"}),
	}
	limited := prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "skills_rate_limited_total", Help: "Requests that came too often."}, func() float64 { return float64(s.limited.Load()) })
	published := prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "skills_published_total", Help: "Versions that were published here."}, func() float64 { return float64(s.published.Load()) })
	connections := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "skills_database_connections", Help: "Connections to the database that are in use."}, func() float64 { return float64(s.db.Stats().InUse) })
	m.registry.MustRegister(m.requests, m.bytes, m.seconds, limited, published, connections, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) observe(kind string, status int, bytes int64, took time.Duration) {
	m.requests.WithLabelValues(kind, strconv.Itoa(status)).Inc()
	m.bytes.WithLabelValues(kind).Add(float64(bytes))
	m.seconds.WithLabelValues(kind).Observe(took.Seconds())
}

func (s *Server) opsRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		s.json(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", s.ready)
	tell := promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if !s.mayMeasure(r) {
			s.fail(w, r, &fault{http.StatusForbidden, "forbidden", "Forbidden: metrics are for this machine, or a token with scope " + catalog.ScopeAdmin})
			return
		}
		tell.ServeHTTP(w, r)
	})
	mux.HandleFunc("/", s.noPath)
	return mux
}

func (s *Server) noPath(w http.ResponseWriter, r *http.Request) { s.fail(w, r, errNoPath) }

// ready says whether requests should be sent here.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	status, code := map[string]string{"status": "ok"}, http.StatusOK
	say := func(what string) { status["status"], code = what, http.StatusServiceUnavailable }
	switch {
	case s.draining.Load():
		say("stopping")
	case s.db.Ping(ctx) != nil:
		say("the database does not answer")
	case s.blobs.Ping(ctx) != nil:
		say("the blobs cannot be reached")
	}
	s.json(w, code, status)
}

// Drain makes the server not ready, for whoever spreads requests.
func (s *Server) Drain() { s.draining.Store(true) }

// mayMeasure reports whether who asks may see metrics. Behind a proxy everyone
// comes from this machine, so that the address is the one the proxy tells.
func (s *Server) mayMeasure(r *http.Request) bool {
	a := askerOf(r)
	if a.Role == meta.Admin && a.Has(catalog.ScopeAdmin) {
		return true
	}
	if r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
		return false
	}
	address, err := netip.ParseAddr(a.Address)
	return err == nil && address.IsLoopback()
}

// MetricsHandler tells metrics to anyone who asks: it is for a listener of its own.
func (s *Server) MetricsHandler() http.Handler {
	return promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
}
