package server_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/openskills-go/skills/registry/api"
)

// The document has every route that there is, and no other; and every key of what
// is answered.
func TestOpenAPI(t *testing.T) {
	s, base := start(t)
	var doc struct {
		Paths      map[string]map[string]any
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any
			}
		}
	}
	if err := yaml.Unmarshal([]byte((&client{t, base, ""}).get("/api/openapi.yaml").body), &doc); err != nil {
		t.Fatal(err)
	}
	var documented []string
	for path, methods := range doc.Paths {
		for method := range methods {
			documented = append(documented, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(documented)
	if diff := cmp.Diff(s.APIPatterns(), documented); diff != "" {
		t.Errorf("(-routes +documented)\n%s", diff)
	}
	for _, v := range []any{
		api.Whoami{}, api.Account{}, api.Item{}, api.Stats{}, api.List{}, api.Skill{}, api.Version{}, api.Artifact{}, api.File{}, api.Versions{}, api.OneVersion{}, api.Naming{},
		api.Found{}, api.Result{}, api.Listed{}, api.Resolved{}, api.Number{}, api.Install{}, api.Archive{}, api.UploadRequest{}, api.UploadTicket{}, api.Upload{}, api.Publish{},
		api.PublishedFile{}, api.Published{}, api.Done{}, api.Starred{}, api.Unstarred{}, api.Tagged{}, api.Change{}, api.Owner{}, api.Member{}, api.DeviceCode{}, api.DeviceToken{},
		api.DeviceError{}, api.Ambiguous{}, api.Match{}, api.Fault{}, api.FaultDetail{},
	} {
		kind := reflect.TypeOf(v)
		for field := range kind.Fields() {
			key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if _, ok := doc.Components.Schemas[kind.Name()].Properties[key]; !ok {
				t.Errorf("%s.%s is not documented", kind.Name(), key)
			}
		}
	}
}
