package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/version"
	"github.com/openskills-go/skills/registry/api"
	"github.com/openskills-go/skills/registry/internal/authn"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

// A fault is what a client is told: a code that is stable, and text for people that
// holds nothing of the server that is not public.
type fault struct {
	status  int
	code    string
	message string
}

func (f *fault) Error() string { return f.message }

var errNoPath = &fault{http.StatusNotFound, "not_found", "Not found"}

// faultOf is the table of errors.
func faultOf(err error) *fault {
	switch e := err.(type) { //nolint:errorlint // wrapped ones come below
	case *fault:
		return e
	case *catalog.NotFoundError:
		// ClawHub's client knows a first publish by these words.
		if e.What == "skill" {
			return &fault{http.StatusNotFound, "not_found", "Skill not found"}
		}
		return &fault{http.StatusNotFound, "not_found", strings.ToUpper(e.What[:1]) + e.What[1:] + " not found"}
	case *catalog.AmbiguousError:
		return &fault{http.StatusConflict, "ambiguous", e.Error()}
	case *catalog.GoneError:
		if e.Removed {
			return &fault{http.StatusUnavailableForLegalReasons, "removed", e.Error()}
		}
		return &fault{http.StatusGone, "deleted", e.Error()}
	case *catalog.ConflictError:
		if e.What == "version" && strings.HasPrefix(e.Why, "exists already") {
			return &fault{http.StatusConflict, "version_exists", "Version already exists: " + e.Error()}
		}
		return &fault{http.StatusConflict, "conflict", e.Error()}
	case *catalog.DeniedError:
		if e.Anonymous {
			return &fault{http.StatusUnauthorized, "unauthorized", "Unauthorized: " + e.Why}
		}
		return &fault{http.StatusForbidden, "forbidden", "Forbidden: " + e.Why}
	case *catalog.InvalidError:
		if errors.As(e.Err, new(*archive.LimitError)) {
			return &fault{http.StatusRequestEntityTooLarge, "too_large", e.Error()}
		}
		return &fault{http.StatusBadRequest, "invalid", e.Error()}
	case *version.NoMatchError:
		return &fault{http.StatusNotFound, "no_match", e.Error()}
	case *version.YankedError:
		return &fault{http.StatusGone, "yanked", e.Error()}
	case *http.MaxBytesError:
		return &fault{http.StatusRequestEntityTooLarge, "too_large", "the request is larger than " + strconv.FormatInt(e.Limit, 10) + " bytes"}
	case *meta.CursorError:
		return &fault{http.StatusBadRequest, "bad_cursor", e.Error()}
	}
	switch {
	case errors.Is(err, meta.ErrNotFound):
		return errNoPath
	case errors.Is(err, authn.ErrBusy):
		return &fault{http.StatusServiceUnavailable, "busy", err.Error()}
	case errors.Is(err, context.DeadlineExceeded):
		return &fault{http.StatusServiceUnavailable, "busy", "the registry is busy"}
	case errors.Is(err, fs.ErrNotExist):
		return &fault{http.StatusInternalServerError, "lost", "the registry has lost these bytes"}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &fault{http.StatusBadRequest, "bad_request", "the request ends too soon"}
	}
	if inner := errors.Unwrap(err); inner != nil {
		return faultOf(inner)
	}
	return &fault{http.StatusInternalServerError, "internal", "internal error"}
}

// fail answers with err, in text, as ClawHub's client shows it.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := s.faulty(w, r, err)
	if e, ok := errors.AsType[*catalog.AmbiguousError](err); ok {
		s.json(w, f.status, s.ambiguous(r, e))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(f.status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, f.message)
	}
}

// failJSON answers with err as the protocol of openskills.cc has it.
func (s *Server) failJSON(w http.ResponseWriter, r *http.Request, err error) {
	f := s.faulty(w, r, err)
	answer := api.Fault{Error: api.FaultDetail{Code: f.code, Message: f.message}}
	if e, ok := errors.AsType[*version.NoMatchError](err); ok {
		answer.Error.Have = e.Have
	}
	if e, ok := errors.AsType[*version.YankedError](err); ok {
		answer.Error.Version, answer.Error.Reason = e.Version, e.Reason
	}
	s.json(w, f.status, answer)
}

// faulty makes headers those of a fault, and logs what went wrong here.
func (s *Server) faulty(w http.ResponseWriter, r *http.Request, err error) *fault {
	f := faultOf(err)
	if body, ok := r.Body.(*timed); ok && body.slow != nil {
		f = body.slow // which ended the context as well, and may have been taken for another fault
	} else if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // nobody listens
	}
	if f.status >= http.StatusInternalServerError {
		s.log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", logPath(r), "error", err)
	}
	if f.status == http.StatusUnauthorized && askerOf(r).bad {
		f = &fault{f.status, f.code, "Unauthorized: the token is not valid, or expired, or revoked"}
	}
	h := w.Header()
	for _, name := range []string{"Etag", "Repr-Digest", "Content-Disposition", "X-Skill-Version", "X-Skill-Yanked", "Content-Length", "Last-Modified"} {
		h.Del(name)
	}
	switch f.status {
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="skills-registry"`)
	}
	h.Set("Cache-Control", "no-store")
	return f
}

func (s *Server) json(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	data = append(data, '\n')
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(data)))
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache")
	}
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
