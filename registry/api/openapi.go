package api

import _ "embed"

//go:embed openapi.yaml
var openapi string

// OpenAPI returns the description of the API, as OpenAPI 3.1.
func OpenAPI() []byte { return []byte(openapi) }
