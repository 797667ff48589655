package clawhub

import (
	"context"
	"fmt"
	"strings"

	"github.com/openskills-go/skills/pkg/source"
)

// maxVerdicts is how many items the registry takes at once.
const maxVerdicts = 100

// Verdicts asks what the registry thinks of items, 100 a request. There is one
// Verdict for each, in their order.
func (r *Registry) Verdicts(ctx context.Context, items []source.Release) ([]source.Verdict, error) {
	verdicts := make([]source.Verdict, len(items))
	for rest := numbers(len(items)); len(rest) > 0; {
		var batch []int
		batch, rest = takeBatch(items, rest)
		if err := r.verdicts(ctx, items, batch, verdicts); err != nil {
			return nil, fmt.Errorf("ask %s for verdicts: %w", r.base.Host, err)
		}
	}
	return verdicts, nil
}

func numbers(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// A key is what the registry tells items apart by: it does not look at their
// owners.
type key struct{ slug, version string }

func keyOf(r source.Release) key { return key{r.Slug, r.Version} }

// takeBatch takes as many items as go into one request, in which no release may
// occur twice.
func takeBatch(items []source.Release, from []int) (batch, rest []int) {
	taken := map[key]bool{}
	for _, i := range from {
		if k := keyOf(items[i]); len(batch) < maxVerdicts && !taken[k] {
			taken[k] = true
			batch = append(batch, i)
		} else {
			rest = append(rest, i)
		}
	}
	return batch, rest
}

func (r *Registry) verdicts(ctx context.Context, items []source.Release, batch []int, verdicts []source.Verdict) error {
	type asked struct {
		Slug        string `json:"slug"`
		Version     string `json:"version"`
		OwnerHandle string `json:"ownerHandle,omitempty"`
	}
	var question struct {
		Items []asked `json:"items"`
	}
	at := map[key]int{}
	for _, i := range batch {
		item := items[i]
		question.Items = append(question.Items, asked{item.Slug, item.Version, item.Owner})
		at[keyOf(item)] = i
		verdicts[i] = source.Verdict{Release: item, Message: "the registry did not answer for it"}
	}
	var answer struct {
		Items []verdictAnswer `json:"items"`
	}
	address := r.base.at(apiV1 + "/skills/-/security-verdicts")
	if err := r.post(ctx, address, question, &answer); err != nil {
		return err
	}
	if answer.Items == nil {
		return wrong(address, "it holds no items")
	}
	for _, a := range answer.Items {
		if i, ok := at[key{a.RequestedSlug, a.RequestedVersion}]; ok {
			verdicts[i] = a.verdict(items[i])
		}
	}
	return nil
}

type verdictAnswer struct {
	OK               bool     `json:"ok"`
	Decision         string   `json:"decision"`
	Reasons          []string `json:"reasons"`
	RequestedSlug    string   `json:"requestedSlug"`
	RequestedVersion string   `json:"requestedVersion"`
	Version          string   `json:"version"`
	PublisherHandle  string   `json:"publisherHandle"`
	SecurityAuditURL string   `json:"securityAuditUrl"`
	Error            *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
	Security *struct {
		Status string `json:"status"`
		Passed bool   `json:"passed"`
	} `json:"security"`
}

func (a verdictAnswer) verdict(item source.Release) source.Verdict {
	v := source.Verdict{Release: item, Reasons: a.Reasons, URL: a.SecurityAuditURL}
	switch {
	case a.Error != nil:
		v.Message = a.Error.Message
		if v.Message == "" {
			v.Message = a.Error.Code
		}
	case item.Owner != "" && a.PublisherHandle != "" && !strings.EqualFold(a.PublisherHandle, item.Owner):
		// A skill of that slug, and another one.
		v.Reasons = nil
		v.Message = "the registry answered for the skill of another owner: " + a.PublisherHandle
	case a.Version != "" && a.Version != item.Version:
		v.Reasons = nil
		v.Message = "the registry answered for another version: " + a.Version
	default:
		v.Known = true
		v.Passed = a.OK && !strings.EqualFold(a.Decision, "fail")
		if a.Security != nil {
			v.Status = strings.ToLower(a.Security.Status)
			v.Passed = v.Passed && (a.Security.Passed || v.Status == "clean")
		}
	}
	return v
}
