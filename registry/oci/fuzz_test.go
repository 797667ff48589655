package oci

import (
	"testing"

	"github.com/openskills-go/skills/pkg/ref"
)

// Whatever a manifest says, it is refused, or it is one skill or several, whose
// digests are digests and whose references can be written.
func FuzzManifest(f *testing.F) {
	const sum = `"digest":"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","size":5`
	for _, seed := range []string{
		`{"layers":[{"mediaType":"` + typeLayer + `",` + sum + `}],"annotations":{"org.opencontainers.image.version":"v1.2.3"}}`,
		`{"mediaType":"` + mediaIndex + `","manifests":[{"mediaType":"` + mediaManifest + `",` + sum + `},{"mediaType":"` + mediaManifest + `",` + sum + `,"platform":{"os":"linux"}}]}`,
		`{"artifactType":"` + typeCollection + `","manifests":[{"mediaType":"` + mediaIndex + `",` + sum + `,"annotations":{"io.agentskills.skill.ref":"h/a:b"}}]}`,
		`{"layers":null,"config":null}`, `[]`, `{"layers":[{}]}`, `{"manifests":[{"digest":"sha512:x","size":-1}]}`,
	} {
		f.Add([]byte(seed), mediaManifest)
		f.Add([]byte(seed), mediaIndex)
		f.Add([]byte(seed), "")
	}
	f.Fuzz(func(t *testing.T, data []byte, mediaType string) {
		m, err := parseManifest(data, mediaType)
		if err != nil {
			return
		}
		if isIndexType(m.MediaType) {
			list, err := m.listings(ref.Ref{Kind: ref.OCI, URL: "oci://h/r"})
			for _, l := range list {
				if again, parseErr := ref.Parse(l.Ref.String()); err != nil || parseErr != nil || again != l.Ref || l.Name == "" {
					t.Errorf("%+v: %v, %v", l, err, parseErr)
				}
			}
			return
		}
		if layer, err := m.layer(); err == nil && (layer.sum.Hex() == "" || layer.Size < 0 || len(layer.URLs) > 0) {
			t.Errorf("layer %+v", layer)
		}
	})
}
