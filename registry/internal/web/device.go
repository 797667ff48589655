package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/openskills-go/skills/registry/internal/authn"
	"github.com/openskills-go/skills/registry/internal/catalog"
	"github.com/openskills-go/skills/registry/internal/meta"
)

// device is the page on which a login on a device is approved. Whoever approves
// shows a token of theirs, which is not kept: there are no sessions and no cookies.
// A form of another site cannot send here (http.CrossOriginProtection).
func (v *visit) device() {
	v.w.Header().Set("Cache-Control", "no-store")
	switch v.r.Method {
	case http.MethodGet, http.MethodHead:
		v.ask(http.StatusOK, v.r.URL.Query().Get("code"), "")
	case http.MethodPost:
		v.decide()
	default:
		v.w.Header().Set("Allow", "GET, HEAD, POST")
		v.fail(http.StatusMethodNotAllowed, "")
	}
}

func (v *visit) ask(status int, code, fault string) {
	page := map[string]any{"Code": code, "Fault": fault}
	if code != "" {
		l, err := v.o.Desk.Pending(v.r.Context(), code)
		switch {
		case err == nil:
			page["Login"], page["Code"] = l, l.UserCode
		case errors.Is(err, meta.ErrNotFound) && fault == "":
			page["Fault"], status = v.text.NoLogin, http.StatusNotFound
		case !errors.Is(err, meta.ErrNotFound):
			v.failed(err)
			return
		}
	}
	v.render(status, "device.html", v.text.Device, page)
}

func (v *visit) decide() {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, 8<<10)
	if err := v.r.ParseForm(); err != nil {
		v.fail(http.StatusBadRequest, "")
		return
	}
	code, approve := v.r.PostForm.Get("code"), v.r.PostForm.Get("answer") == "approve"
	a, err := v.o.Desk.Actor(v.r.Context(), strings.TrimSpace(v.r.PostForm.Get("token")))
	if errors.Is(err, authn.ErrUnauthorized) {
		v.ask(http.StatusForbidden, code, v.text.BadToken)
		return
	}
	if err != nil {
		v.failed(err)
		return
	}
	err = v.o.Desk.Decide(v.r.Context(), a, code, approve)
	switch {
	case err == nil && approve:
		v.render(http.StatusOK, "done.html", v.text.Device, v.text.Approved)
	case err == nil:
		v.render(http.StatusOK, "done.html", v.text.Device, v.text.Denied)
	case errors.Is(err, meta.ErrNotFound):
		v.ask(http.StatusNotFound, code, v.text.NoLogin)
	case errors.As(err, new(*catalog.DeniedError)):
		v.ask(http.StatusForbidden, code, v.text.WeakToken)
	default:
		v.failed(err)
	}
}
