package folderserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/version"
)

// A fault is what a client is told. Code is stable; Message is for people and
// holds nothing of the server that is not public.
type fault struct {
	status  int
	code    string
	message string
}

func (f *fault) Error() string { return f.message }

var (
	errNoPath = &fault{http.StatusNotFound, "not_found", "no such path"}
	errBusy   = errors.New("server is busy")
)

// body is the JSON of a fault.
type body struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		// Have lists the versions that there are instead of the one asked for.
		Have []string `json:"have,omitempty"`
		// Version is yanked, for this Reason.
		Version string `json:"version,omitempty"`
		Reason  string `json:"reason,omitempty"`
	} `json:"error"`
}

// fail answers with err. What the client did is said as it is; what went wrong
// here is logged, and only its kind is said.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // nobody listens
	}
	f, have := faultOf(err)
	if f.status >= http.StatusInternalServerError {
		s.log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "query", r.URL.RawQuery, "error", err)
	}
	h := w.Header()
	for _, name := range []string{"Etag", "Digest", "Repr-Digest", "Content-Disposition", "X-Skill-Version", "X-Skill-Yanked"} {
		h.Del(name)
	}
	if f.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	var b body
	b.Error.Code, b.Error.Message, b.Error.Have = f.code, f.message, have
	if yanked, ok := errors.AsType[*version.YankedError](err); ok {
		b.Error.Version, b.Error.Reason = yanked.Version, yanked.Reason
	}
	s.writeJSON(w, f.status, b)
}

func faultOf(err error) (*fault, []string) {
	var (
		f       *fault
		noMatch *version.NoMatchError
		yanked  *version.YankedError
	)
	switch {
	case errors.As(err, &f):
		return f, nil
	case errors.As(err, &noMatch):
		return &fault{http.StatusNotFound, "no_match", noMatch.Error()}, noMatch.Have
	case errors.As(err, &yanked):
		return &fault{http.StatusGone, "yanked", yanked.Error()}, nil
	case errors.Is(err, source.ErrNotFound):
		return &fault{http.StatusNotFound, "not_found", "skill is not found"}, nil
	case errors.Is(err, source.ErrAmbiguous):
		return &fault{http.StatusConflict, "ambiguous", "slug names several skills"}, nil
	case errors.Is(err, source.ErrUnsupported):
		return &fault{http.StatusNotImplemented, "unsupported", "not supported by this registry"}, nil
	case errors.Is(err, errBusy), errors.Is(err, context.DeadlineExceeded):
		return &fault{http.StatusServiceUnavailable, "busy", "the registry is busy"}, nil
	case errors.Is(err, archive.ErrRefused):
		return &fault{http.StatusInternalServerError, "damaged", "the registry's copy of this skill is not fit to be served"}, nil
	}
	return &fault{http.StatusInternalServerError, "internal", "internal error"}, nil
}

func (s *server) writeJSON(w http.ResponseWriter, status int, v any) {
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
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
