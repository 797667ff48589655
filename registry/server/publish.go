package server

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openskills-go/skills/pkg/digest"
	"github.com/openskills-go/skills/registry/api"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

const (
	maxPublish = 64 << 20 // bytes of a request
	maxParts   = 1000
	maxJSON    = 2 << 20
	ticketLife = time.Hour
	maxUploads = 4 // at once, by one token
)

// A ticket lets one user upload one file, for some time. It is its own record: what
// it says is signed.
type ticket struct {
	User    string `json:"u"`
	Path    string `json:"p"`
	Size    int64  `json:"s"`
	SHA256  string `json:"d"`
	Expires int64  `json:"e"` // seconds since 1970
}

const ticketSetting = "upload-key"

// ticketKey is what tickets are signed with: one for all processes, made by the
// first that needs it.
func (s *Server) ticketKey(r *http.Request) ([]byte, error) {
	if key := s.uploadKey.Load(); key != nil {
		return *key, nil
	}
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // it does not fail: the process ends first
	ctx := r.Context()
	err := s.db.Update(ctx, func(tx *meta.Tx) error { return tx.PutSetting(ctx, ticketSetting, fresh) })
	if err != nil && !errors.Is(err, meta.ErrExists) {
		return nil, err
	}
	var key []byte
	err = s.db.View(ctx, func(tx *meta.Tx) (err error) {
		key, err = tx.Setting(ctx, ticketSetting)
		return err
	})
	if err == nil {
		s.uploadKey.Store(&key)
	}
	return key, err
}

func (s *Server) sign(r *http.Request, t ticket) (string, error) {
	key, err := s.ticketKey(r)
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(data)
	return text + "." + signature(key, text), nil
}

// signature is that of a text, as a text: there is one spelling of a ticket.
func signature(key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

var errTicket = &fault{http.StatusForbidden, "bad_ticket", "Forbidden: the upload ticket is not valid, or expired, or another's"}

func (s *Server) verify(r *http.Request, text, user string) (ticket, error) {
	key, err := s.ticketKey(r)
	if err != nil {
		return ticket{}, err
	}
	body, sum, _ := strings.Cut(text, ".")
	if !hmac.Equal([]byte(sum), []byte(signature(key, body))) {
		return ticket{}, errTicket
	}
	var t ticket
	data, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil || json.Unmarshal(data, &t) != nil || t.User != user || s.options.Now().Unix() > t.Expires {
		return ticket{}, errTicket
	}
	return t, nil
}

// publisher returns who may publish something, or why not.
func publisher(r *http.Request) (catalog.Actor, error) {
	a := askerOf(r).Actor
	if a.Anonymous() {
		return a, &catalog.DeniedError{Why: "this needs a token", Anonymous: true}
	}
	if !a.Has(catalog.ScopePublish) {
		return a, &catalog.DeniedError{Why: "the token has no scope " + catalog.ScopePublish}
	}
	return a, nil
}

func (s *Server) uploadURL(w http.ResponseWriter, r *http.Request) {
	a, err := publisher(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var want api.UploadRequest
	if err := readJSON(w, r, &want); err != nil {
		s.fail(w, r, err)
		return
	}
	sum, err := digest.Parse("sha256:" + strings.ToLower(want.SHA256))
	switch {
	case err != nil || want.Path == "" || want.Size < 0 || len(want.Path) > 1024:
		err = &fault{http.StatusBadRequest, "invalid", "a file has a path, a size and a sha256"}
	case want.Size > maxFile:
		err = &fault{http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("%s is larger than %d bytes", strconv.QuoteToASCII(want.Path), maxFile)}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	text, err := s.sign(r, ticket{a.User, want.Path, want.Size, sum.Hex(), s.options.Now().Add(ticketLife).Unix()})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	// On the same origin: clients send their token along.
	s.json(w, http.StatusOK, api.UploadTicket{URL: s.base(r) + "/upload/" + text, Ticket: text})
}

func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	a, err := publisher(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	done, err := s.turn(a)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer done()
	t, err := s.verify(r, r.PathValue("ticket"), a.User)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if err := s.staged.take(a.User, t.Size, s.options.Now()); err != nil {
		w.Header().Set("Retry-After", strconv.Itoa(int(ticketLife/time.Second)))
		s.fail(w, r, err)
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, t.Size))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	d := digest.Of(data)
	if int64(len(data)) != t.Size || d.Hex() != t.SHA256 {
		s.fail(w, r, &fault{http.StatusBadRequest, "mismatch", "what was uploaded is not what was announced"})
		return
	}
	if err := s.blobs.Stage(r.Context(), d, data); err != nil {
		s.fail(w, r, err)
		return
	}
	s.json(w, http.StatusOK, api.Upload{StorageID: t.SHA256})
}

// turn bounds how many uploads a token has at once.
func (s *Server) turn(a catalog.Actor) (done func(), err error) {
	s.uploadsMu.Lock()
	defer s.uploadsMu.Unlock()
	if s.uploads[a.Token] >= maxUploads {
		return nil, &fault{http.StatusTooManyRequests, "rate_limited", "Rate limit exceeded: too many uploads at once"}
	}
	if s.uploads == nil {
		s.uploads = map[string]int{}
	}
	s.uploads[a.Token]++
	return func() {
		s.uploadsMu.Lock()
		defer s.uploadsMu.Unlock()
		if s.uploads[a.Token]--; s.uploads[a.Token] == 0 {
			delete(s.uploads, a.Token)
		}
	}, nil
}

// readJSON reads a body that is JSON; an empty one is {}.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSON))
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return &fault{http.StatusBadRequest, "bad_json", "the body is not the JSON that is expected"}
	}
	return nil
}

// publish makes a version of what was uploaded before, or comes along as a form.
func (s *Server) publish(w http.ResponseWriter, r *http.Request) {
	a, err := publisher(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	done, err := s.turn(a)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer done()
	var p api.Publish
	var d catalog.Draft
	kind, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "multipart/form-data":
		p, d, err = readForm(w, r, parameters["boundary"])
	case "application/json", "":
		if err = readJSON(w, r, &p); err == nil {
			d, err = s.gather(r, a, p)
		}
	default:
		err = &fault{http.StatusUnsupportedMediaType, "bad_type", "the body is neither JSON nor a form with files"}
	}
	if err == nil && p.AcceptLicenseTerms != nil && !*p.AcceptLicenseTerms {
		err = &fault{http.StatusBadRequest, "invalid", "the licence terms are not accepted"}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	d.Owner, d.Slug, d.Name, d.Version, d.Changelog = strings.ToLower(strings.TrimPrefix(p.OwnerHandle, "@")), p.Slug, p.DisplayName, p.Version, p.Changelog
	d.Tags, d.Topics, d.DryRun = p.Tags, p.Topics, p.DryRun
	out, err := s.catalog.Publish(r.Context(), a, d)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if out.Created && !d.DryRun {
		s.published.Add(1)
	}
	s.json(w, http.StatusOK, api.Published{
		OK: true, SkillID: strconv.FormatInt(out.Skill.ID, 10), VersionID: strconv.FormatInt(out.Version.ID, 10), Status: "published",
		Slug: out.Skill.Slug, Owner: out.Skill.Owner, Version: out.Version.Version, Created: out.Created, Artifact: artifactOf(out.Version),
	})
}

// gather collects the files that were uploaded with tickets.
func (s *Server) gather(r *http.Request, a catalog.Actor, p api.Publish) (catalog.Draft, error) {
	d := catalog.Draft{Files: map[string][]byte{}, Executable: map[string]bool{}}
	if len(p.Files) > maxParts {
		return d, &fault{http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("there are more than %d files", maxParts)}
	}
	total := int64(0)
	for _, f := range p.Files {
		if _, twice := d.Files[f.Path]; twice {
			return d, &fault{http.StatusBadRequest, "invalid", "the file " + strconv.QuoteToASCII(f.Path) + " is listed twice"}
		}
		sum, err := digest.Parse("sha256:" + strings.ToLower(f.SHA256))
		if err != nil || f.StorageID != sum.Hex() {
			return d, &fault{http.StatusBadRequest, "invalid", "the file " + strconv.QuoteToASCII(f.Path) + " has no digest, or not that of what was uploaded"}
		}
		// Who knows only a digest has not shown that they have the bytes.
		t, err := s.verify(r, f.UploadTicket, a.User)
		if err != nil {
			return d, err
		}
		if t.Path != f.Path || t.SHA256 != sum.Hex() {
			return d, errTicket
		}
		if total += t.Size; total > maxPublish {
			return d, &fault{http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the files are larger than %d bytes", maxPublish)}
		}
		data, err := s.blobs.Staged(r.Context(), sum)
		if errors.Is(err, fs.ErrNotExist) {
			return d, &fault{http.StatusBadRequest, "not_uploaded", "the file " + strconv.QuoteToASCII(f.Path) + " was not uploaded"}
		}
		if err != nil {
			return d, err
		}
		d.Files[f.Path], d.Executable[f.Path] = data, f.Executable
	}
	return d, nil
}

// readForm reads a form with a payload and files. The name of a file is its path:
// multipart.Part.FileName would give only the end of it.
func readForm(w http.ResponseWriter, r *http.Request, boundary string) (p api.Publish, d catalog.Draft, err error) {
	bad := func(why string) error { return &fault{http.StatusBadRequest, "bad_form", why} }
	d.Files = map[string][]byte{}
	if boundary == "" {
		return p, d, bad("the form has no boundary")
	}
	form := multipart.NewReader(http.MaxBytesReader(w, r.Body, maxPublish), boundary)
	for parts, payload := 0, false; ; parts++ {
		part, err := form.NextRawPart()
		switch {
		case errors.Is(err, io.EOF) && payload:
			return p, d, nil
		case errors.Is(err, io.EOF):
			return p, d, bad("the form has no payload")
		case err != nil:
			return p, d, formFault(err)
		case parts >= maxParts:
			return p, d, &fault{http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the form has more than %d parts", maxParts)}
		}
		_, names, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
		if err != nil {
			return p, d, bad("a part of the form has no name")
		}
		data, err := io.ReadAll(io.LimitReader(part, maxFile+1))
		switch {
		case err != nil:
			return p, d, formFault(err)
		case len(data) > maxFile:
			return p, d, &fault{http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("a file is larger than %d bytes", maxFile)}
		}
		switch name := names["name"]; name {
		case "payload":
			if payload || json.Unmarshal(data, &p) != nil {
				return p, d, bad("the payload is not the JSON that is expected, or is there twice")
			}
			payload = true
		case "files":
			path := names["filename"]
			if _, twice := d.Files[path]; twice || path == "" {
				return p, d, bad("a file of the form has no name, or that of another")
			}
			d.Files[path] = data
		default:
			return p, d, bad("the form has a part that is neither payload nor files")
		}
	}
}

// formFault tells what broke off or is too large from what is no form.
func formFault(err error) error {
	if errors.As(err, new(*http.MaxBytesError)) || errors.As(err, new(*fault)) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return &fault{http.StatusBadRequest, "bad_form", "the form is malformed"}
}
