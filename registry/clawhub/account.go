package clawhub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
)

// Whoami asks for the account of the token that the transport sends.
func (r *Registry) Whoami(ctx context.Context) (source.Account, error) {
	var answer struct {
		User *ownerAnswer `json:"user"`
	}
	address := r.base.at(apiV1 + "/whoami")
	_, err := r.getField(ctx, address, "", "user", &answer)
	if err == nil && (answer.User == nil || answer.User.Handle == "" && answer.User.DisplayName == "") {
		e := wrong(address, "it names no user")
		e.Err = source.ErrAuth
		err = e
	}
	if err != nil {
		return source.Account{}, fmt.Errorf("ask %s who we are: %w", r.base.Host, err)
	}
	return source.Account{Handle: answer.User.Handle, Name: answer.User.DisplayName}, nil
}

const (
	deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

	// What a server says about times is kept within these.
	defaultInterval = 5 * time.Second
	maxInterval     = time.Minute
	maxExpires      = time.Hour
	slowDown        = 5 * time.Second // RFC 8628, 3.5

	maxCode = 4 << 10 // bytes of a code or a token
)

// StartLogin asks for the code that a user approves in a browser.
func (r *Registry) StartLogin(ctx context.Context, label string) (source.Grant, error) {
	var answer struct {
		DeviceCode      string  `json:"device_code"`
		UserCode        string  `json:"user_code"`
		VerificationURI string  `json:"verification_uri"`
		Complete        string  `json:"verification_uri_complete"` // with the code in it
		ExpiresIn       float64 `json:"expires_in"`
		Interval        float64 `json:"interval"`
	}
	address := r.base.at("/api/cli/device/code")
	refuse := func(err error) (source.Grant, error) {
		return source.Grant{}, fmt.Errorf("begin login at %s: %w", r.base.Host, err)
	}
	err := r.post(ctx, address, map[string]string{"scope": "read write", "site_url": r.base.String(), "label": label}, &answer)
	if err != nil {
		return refuse(err)
	}
	switch {
	case !validSecret(answer.DeviceCode):
		return refuse(wrong(address, "it holds no device code"))
	case !validVersion(answer.UserCode):
		return refuse(wrong(address, "it holds no code that a user could type: "+quote(answer.UserCode)))
	case !r.isPage(answer.VerificationURI):
		return refuse(wrong(address, "it holds no page that a user could open: "+quote(answer.VerificationURI)))
	}
	page := answer.VerificationURI
	if r.isPage(answer.Complete) && strings.HasPrefix(answer.Complete, page) {
		page = answer.Complete
	}
	return source.Grant{
		UserCode: answer.UserCode,
		URL:      page,
		Expires:  seconds(answer.ExpiresIn, maxExpires, maxExpires),
		Interval: seconds(answer.Interval, defaultInterval, maxInterval),
		Code:     answer.DeviceCode,
	}, nil
}

// isPage reports whether a user may be sent to an address: over https, unless the
// registry itself is not.
func (r *Registry) isPage(address string) bool {
	u, err := url.Parse(address)
	return err == nil && len(address) <= 2000 && u.Hostname() != "" && u.User == nil &&
		(u.Scheme == "https" || u.Scheme == "http" && r.base.Scheme == "http")
}

// seconds reads a number of them, at least one and at most the given.
func seconds(n float64, otherwise, most time.Duration) time.Duration {
	if !(n > 0) || math.IsInf(n, 0) { // not a number is no more than zero
		return otherwise
	}
	return time.Duration(max(1, min(n, most.Seconds())) * float64(time.Second))
}

func validSecret(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxCode
}

// AwaitLogin asks again and again, as often as g allows, whether g is approved.
func (r *Registry) AwaitLogin(ctx context.Context, g source.Grant) (string, error) {
	token, err := r.awaitLogin(ctx, g)
	if err != nil {
		return "", fmt.Errorf("login at %s: %w", r.base.Host, err)
	}
	return token, nil
}

func (r *Registry) awaitLogin(ctx context.Context, g source.Grant) (string, error) {
	interval, expires := g.Interval, g.Expires
	if interval <= 0 {
		interval = defaultInterval
	}
	if expires <= 0 {
		expires = maxExpires
	}
	end := time.NewTimer(expires)
	defer end.Stop()
	for {
		wait := time.NewTimer(interval)
		select {
		case <-ctx.Done():
			wait.Stop()
			return "", ctx.Err()
		case <-end.C:
			wait.Stop()
			return "", fmt.Errorf("%w: nobody approved the login in %v", source.ErrAuth, expires)
		case <-wait.C:
		}
		token, state, err := r.askToken(ctx, g.Code)
		switch {
		case err != nil:
			return "", err
		case token != "":
			return token, nil
		case state == "slow_down":
			interval = min(interval+slowDown, maxInterval)
		}
	}
}

// askToken asks once. A state is returned while there is no token.
func (r *Registry) askToken(ctx context.Context, code string) (token, state string, err error) {
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	address := r.base.at("/api/cli/device/token")
	err = r.post(ctx, address, map[string]string{"device_code": code, "grant_type": deviceGrant}, &answer)
	if status, ok := errors.AsType[*transport.StatusError](err); ok && status.Status < 500 {
		switch state := oauthError(status.Body); state {
		case "authorization_pending", "slow_down":
			return "", state, nil
		case "expired_token":
			return "", "", fmt.Errorf("%w: the code expired before the login was approved", source.ErrAuth)
		case "access_denied":
			return "", "", fmt.Errorf("%w: the login was refused in the browser", source.ErrAuth)
		}
	}
	if err != nil {
		return "", "", err
	}
	if !validSecret(answer.AccessToken) {
		return "", "", wrong(address, "it holds no token")
	}
	return answer.AccessToken, "", nil
}

func oauthError(body []byte) string {
	var e struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &e) != nil {
		return ""
	}
	return e.Error
}

// post sends and reads JSON.
func (r *Registry) post(ctx context.Context, address string, what, into any) error {
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	resp, err := r.client.Post(ctx, address, transport.Body{Data: body}, transport.GetOptions{})
	if err != nil {
		return explain(err, address, "")
	}
	return decode(resp.Body, into, address)
}
