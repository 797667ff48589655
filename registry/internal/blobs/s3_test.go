//go:build s3

package blobs_test

import (
	"net/url"
	"os"
	"testing"

	"github.com/openskills-go/skills/registry/internal/blobs"
	"github.com/openskills-go/skills/registry/internal/blobs/blobtest"
)

// TestS3 wants an empty bucket at SKILLS_S3. A machine without fails: what was not
// run proves nothing.
func TestS3(t *testing.T) {
	address := os.Getenv("SKILLS_S3")
	if _, err := url.Parse(address); address == "" || err != nil {
		t.Fatal("SKILLS_S3 is not set: .ci/run s3 starts a server and sets it")
	}
	blobtest.Run(t, func(t *testing.T, cache int64) *blobs.Store { return open(t, address, cache) })
}
