package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/openskills-go/skills/registry/api"
	"github.com/openskills-go/skills/registry/internal/authn"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

// about returns what a change is about: path, query and body say it together.
func (s *Server) about(w http.ResponseWriter, r *http.Request) (n catalog.Name, c api.Change, err error) {
	values, err := query(r)
	if err != nil {
		return n, c, err
	}
	if err := readJSON(w, r, &c); err != nil {
		return n, c, err
	}
	if v := r.PathValue("version"); v != "" {
		c.Version = v
	}
	slug, owner := r.PathValue("slug"), values.Get("ownerHandle")
	if slug == "" {
		slug = c.Slug
	}
	if owner == "" {
		owner = c.OwnerHandle
	}
	n, err = nameOf(slug, owner)
	if a := askerOf(r); err == nil && n.Owner == "" && a.User != "" {
		// A slug that several have is one's own, to those who change it.
		if _, found := s.catalog.Find(r.Context(), n); errors.As(found, new(*catalog.AmbiguousError)) {
			n.Owner = a.User
		}
	}
	return n, c, err
}

// do answers ok, or why not.
func (s *Server) do(w http.ResponseWriter, r *http.Request, f func(a catalog.Actor, n catalog.Name, c api.Change) (any, error)) {
	n, c, err := s.about(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer, err := f(askerOf(r).Actor, n, c)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.json(w, http.StatusOK, answer)
}

// change makes a handler of what is done to a skill, or to a version of it.
func (s *Server) change(f func(*catalog.Catalog, context.Context, catalog.Actor, catalog.Name, string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.do(w, r, func(a catalog.Actor, n catalog.Name, c api.Change) (any, error) {
			return api.Done{OK: true}, f(s.catalog, r.Context(), a, n, c.Version)
		})
	}
}

func (s *Server) yank(w http.ResponseWriter, r *http.Request) {
	s.do(w, r, func(a catalog.Actor, n catalog.Name, c api.Change) (any, error) {
		return api.Done{OK: true}, s.catalog.Yank(r.Context(), a, n, c.Version, c.Reason)
	})
}

func (s *Server) deprecate(w http.ResponseWriter, r *http.Request) {
	s.do(w, r, func(a catalog.Actor, n catalog.Name, c api.Change) (any, error) {
		return api.Done{OK: true}, s.catalog.Deprecate(r.Context(), a, n, c.Message)
	})
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request) {
	s.do(w, r, func(a catalog.Actor, n catalog.Name, c api.Change) (any, error) {
		return api.Done{OK: true}, s.catalog.Remove(r.Context(), a, n, c.Version, c.Reason)
	})
}

func (s *Server) tag(w http.ResponseWriter, r *http.Request) {
	s.do(w, r, func(a catalog.Actor, n catalog.Name, c api.Change) (any, error) {
		if c.Version == "" {
			return nil, &catalog.InvalidError{What: "version", Faults: []string{"is missing"}}
		}
		tag := r.PathValue("tag")
		return api.Tagged{OK: true, Slug: n.Slug, Tag: tag, Version: c.Version}, s.catalog.Tag(r.Context(), a, n, tag, c.Version)
	})
}

func (s *Server) untag(w http.ResponseWriter, r *http.Request) {
	s.do(w, r, func(a catalog.Actor, n catalog.Name, _ api.Change) (any, error) {
		return api.Done{OK: true}, s.catalog.Tag(r.Context(), a, n, r.PathValue("tag"), "")
	})
}

func (s *Server) star(w http.ResponseWriter, r *http.Request) {
	s.do(w, r, func(a catalog.Actor, n catalog.Name, _ api.Change) (any, error) {
		news, err := s.catalog.Star(r.Context(), a, n)
		return api.Starred{OK: true, Starred: true, AlreadyStarred: !news}, err
	})
}

func (s *Server) unstar(w http.ResponseWriter, r *http.Request) {
	s.do(w, r, func(a catalog.Actor, n catalog.Name, _ api.Change) (any, error) {
		news, err := s.catalog.Unstar(r.Context(), a, n)
		return api.Unstarred{OK: true, Unstarred: true, AlreadyUnstarred: !news}, err
	})
}

func (s *Server) whoami(w http.ResponseWriter, r *http.Request) {
	a := askerOf(r)
	if a.User == "" {
		s.fail(w, r, &catalog.DeniedError{Why: "this needs a token", Anonymous: true})
		return
	}
	u, err := s.catalog.User(r.Context(), a.User)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	name := u.Name
	if name == "" {
		name = u.Handle
	}
	w.Header().Set("Cache-Control", "no-store")
	s.json(w, http.StatusOK, api.Whoami{User: api.Account{Handle: u.Handle, DisplayName: name, Role: string(u.Role)}})
}

func (s *Server) owner(w http.ResponseWriter, r *http.Request) {
	o, err := s.catalog.Owner(r.Context(), r.PathValue("handle"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	members, err := s.catalog.Members(r.Context(), o.Handle)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer := api.Owner{Handle: o.Handle, DisplayName: o.Name, Kind: string(o.Kind), Members: []api.Member{}}
	for _, m := range members {
		answer.Members = append(answer.Members, api.Member{Handle: m.User, Role: string(m.Role)})
	}
	s.json(w, http.StatusOK, answer)
}

func (s *Server) addOwner(w http.ResponseWriter, r *http.Request) {
	var c api.Change
	err := readJSON(w, r, &c)
	if err == nil {
		err = s.catalog.AddOwner(r.Context(), askerOf(r).Actor, meta.Owner{Handle: c.Handle, Name: c.DisplayName}, "")
	}
	s.done(w, r, err)
}

func (s *Server) setMember(w http.ResponseWriter, r *http.Request) {
	var c api.Change
	err := readJSON(w, r, &c)
	if r.Method == http.MethodDelete {
		c.Role = ""
	} else if err == nil && c.Role == "" {
		err = &catalog.InvalidError{What: "role", Faults: []string{"is none of admin, publisher"}}
	}
	if err == nil {
		err = s.catalog.SetMember(r.Context(), askerOf(r).Actor, meta.Member{Owner: r.PathValue("handle"), User: r.PathValue("user"), Role: meta.Role(c.Role)})
	}
	s.done(w, r, err)
}

func (s *Server) done(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.json(w, http.StatusOK, api.Done{OK: true})
}

// thanks takes what clients tell of installs, and keeps none of it.
func (s *Server) thanks(w http.ResponseWriter, _ *http.Request) {
	s.json(w, http.StatusOK, api.Done{OK: true})
}

// deviceCode begins a login on a device.
func (s *Server) deviceCode(w http.ResponseWriter, r *http.Request) {
	var want struct {
		Scope string `json:"scope"`
		Label string `json:"label"`
	}
	if err := readJSON(w, r, &want); err != nil {
		s.fail(w, r, err)
		return
	}
	var scopes []string
	for scope := range strings.FieldsSeq(want.Scope) {
		if scope == "write" { // as ClawHub calls it
			scope = catalog.ScopePublish
		}
		scopes = append(scopes, scope)
	}
	l, err := s.desk.Begin(r.Context(), scopes, want.Label)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	page := s.base(r) + "/cli/device"
	w.Header().Set("Cache-Control", "no-store")
	s.json(w, http.StatusOK, api.DeviceCode{
		DeviceCode: l.DeviceCode, UserCode: l.UserCode, VerificationURI: page, VerificationURIComplete: page + "?code=" + l.UserCode,
		ExpiresIn: int(l.Expires / time.Second), Interval: int(l.Interval / time.Second),
	})
}

func (s *Server) deviceToken(w http.ResponseWriter, r *http.Request) {
	var want struct {
		DeviceCode string `json:"device_code"`
	}
	if err := readJSON(w, r, &want); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	text, t, err := s.desk.Redeem(r.Context(), want.DeviceCode)
	for _, known := range []error{authn.ErrPending, authn.ErrSlowDown, authn.ErrExpired, authn.ErrDenied} {
		if errors.Is(err, known) {
			s.json(w, http.StatusBadRequest, api.DeviceError{Error: known.Error()})
			return
		}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.json(w, http.StatusOK, api.DeviceToken{AccessToken: text, TokenType: "bearer", Scope: strings.Join(t.Scopes, " ")})
}
