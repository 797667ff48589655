package openskills

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/openskills-go/skills/pkg/archive"
	"github.com/openskills-go/skills/pkg/skill"
	"github.com/openskills-go/skills/pkg/source"
	"github.com/openskills-go/skills/pkg/transport"
	"github.com/openskills-go/skills/pkg/version"
)

// An AnswerError is an answer that is no skill. It matches source.ErrNotFound,
// source.ErrAuth, source.ErrWithheld or transport.ErrWebPage where it means that.
type AnswerError struct {
	Host        string // that answered
	Status      int
	ContentType string
	Message     string // of the server, or what its answer is: untrusted
	Err         error  // what it means, if anything in particular
	cause       error
}

func (e *AnswerError) Error() string {
	text := cmp.Or(e.Host, "the server") + " answered with status " + strconv.Itoa(e.Status)
	if e.ContentType != "" {
		text += " and type " + quote(e.ContentType)
	}
	if e.Message != "" && (e.Err == nil || e.Message != e.Err.Error()) {
		text += ": " + quote(strings.TrimSpace(e.Message))
	}
	if e.Err != nil {
		return e.Err.Error() + ": " + text
	}
	return text
}

// Unwrap returns what the answer means and what the transport said of it.
func (e *AnswerError) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.Err, e.cause} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// A content is what a held answer comes to: exactly one of the fields is set.
type content struct {
	archive bool              // it is an archive after all, a small one
	files   map[string][]byte // to be packed
	url     string            // where the artifact is, perhaps relative
}

// read tells what an answer with status 200 is, by its bytes. The content type
// is for the error only.
func read(body []byte, contentType string) (content, error) {
	text := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\ufeff")), " \t\r\n")
	switch {
	case len(text) == 0:
		return content{}, &AnswerError{Status: http.StatusOK, ContentType: contentType, Err: transport.ErrEmpty}
	case isArchive(body):
		return content{archive: true}, nil
	case isGzip(body):
		return readGzip(body, contentType)
	case isMarkdown(body):
		return content{files: map[string][]byte{skill.FileName: body}}, nil
	case text[0] == '{', text[0] == '[':
		return readJSON(text, contentType)
	case isPage(text):
		return content{}, &AnswerError{
			Status: http.StatusOK, ContentType: contentType, Message: beginning(text), Err: transport.ErrWebPage,
		}
	}
	_, err := archive.Detect(body[:min(len(body), tellSize)])
	return content{}, &AnswerError{Status: http.StatusOK, ContentType: contentType, Message: beginning(text), Err: err}
}

// beginning is as much of an answer as tells a person what it is.
func beginning(text []byte) string { return string(text[:min(len(text), 60)]) }

func isPage(text []byte) bool {
	lower := bytes.ToLower(text[:min(len(text), 64)])
	return bytes.HasPrefix(lower, []byte("<!doctype")) || bytes.HasPrefix(lower, []byte("<html"))
}

// isMarkdown reports whether an answer can be a SKILL.md: one begins with front
// matter.
func isMarkdown(body []byte) bool {
	text := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\ufeff")), " \t\r\n")
	return bytes.HasPrefix(text, []byte("---"))
}

// readGzip reads a gzip stream that is no tar: a SKILL.md, or nothing of use.
func readGzip(body []byte, contentType string) (content, error) {
	var plain []byte
	zr, err := gzip.NewReader(bytes.NewReader(body))
	if err == nil {
		plain, err = io.ReadAll(io.LimitReader(zr, skill.MaxSize+1))
	}
	if err != nil || len(plain) > skill.MaxSize || !isMarkdown(plain) {
		return content{}, &AnswerError{
			Status: http.StatusOK, ContentType: contentType, Message: "a gzip stream that is neither a tar archive nor a SKILL.md",
		}
	}
	return content{files: map[string][]byte{skill.FileName: plain}}, nil
}

// An envelope is a JSON object in any of the shapes that are about. Fields of
// another type than expected are as good as absent.
type envelope map[string]json.RawMessage

func parseEnvelope(data []byte) (envelope, bool) {
	var e envelope
	err := json.Unmarshal(data, &e)
	return e, err == nil
}

// text returns the first of the fields that is a text and not empty.
func (e envelope) text(names ...string) string {
	for _, name := range names {
		var s string
		if json.Unmarshal(e[name], &s) == nil && s != "" {
			return s
		}
	}
	return ""
}

func (e envelope) message() string {
	if s := e.text("message", "error", "msg", "detail"); s != "" {
		return s
	}
	if inner, ok := parseEnvelope(e["error"]); ok {
		return inner.text("message", "msg", "detail", "code")
	}
	return ""
}

// readJSON finds files, an address or a message in JSON, at its top or in data.
func readJSON(text []byte, contentType string) (content, error) {
	if !json.Valid(text) {
		return content{}, &AnswerError{
			Status: http.StatusOK, ContentType: contentType, Message: beginning(text), Err: transport.ErrNotJSON,
		}
	}
	if text[0] == '[' {
		return readFiles(text)
	}
	top, _ := parseEnvelope(text)
	inner, _ := parseEnvelope(top["data"])
	for _, e := range []envelope{top, inner} {
		if files := e["files"]; len(files) > 0 && files[0] == '[' {
			return readFiles(files)
		}
		if u := e.text("url", "downloadUrl", "download_url"); u != "" {
			return content{url: u}, nil
		}
	}
	message := top.message()
	if message == "" {
		message = inner.message()
	}
	if message == "" {
		return content{}, &AnswerError{Status: http.StatusOK, ContentType: contentType, Message: "JSON without files, url or message: " + beginning(text)}
	}
	return content{}, &AnswerError{Status: http.StatusOK, Message: message, Err: source.ErrNotFound}
}

// readFiles reads a list of files. That the paths are fit to be used is for who
// packs them to see.
func readFiles(list []byte) (content, error) {
	var items []struct {
		Path     string  `json:"path"`
		Name     string  `json:"name"`
		Content  *string `json:"content"`
		Contents *string `json:"contents"`
		Encoding string  `json:"encoding"`
	}
	if err := json.Unmarshal(list, &items); err != nil {
		return content{}, &AnswerError{Status: http.StatusOK, Message: "JSON whose files are not path and content"}
	}
	files := make(map[string][]byte, len(items))
	for _, item := range items {
		path, text := item.Path, item.Content
		if path == "" {
			path = item.Name
		}
		if text == nil {
			text = item.Contents
		}
		if path == "" || text == nil {
			return content{}, &AnswerError{Status: http.StatusOK, Message: "JSON with a file that has no path or no content"}
		}
		if _, twice := files[path]; twice {
			return content{}, &archive.UnsafeError{Entry: path, Why: "occurs twice"}
		}
		data := []byte(*text)
		if item.Encoding == "base64" {
			var err error
			if data, err = base64.StdEncoding.DecodeString(*text); err != nil {
				return content{}, &AnswerError{Status: http.StatusOK, Message: "JSON with a file that is not the base64 it says"}
			}
		}
		files[path] = data
	}
	if len(files) == 0 {
		return content{}, &AnswerError{Status: http.StatusOK, Message: "JSON with no files", Err: source.ErrNotFound}
	}
	return content{files: files}, nil
}

// explainStatus gives an answer other than 200 its meaning. err is what status
// was found in, and stays to be found.
func explainStatus(status *transport.StatusError, err error, q version.Query) error {
	answer := &AnswerError{Status: status.Status, cause: err}
	if e, ok := parseEnvelope(bytes.TrimSpace(status.Body)); ok {
		answer.Message = e.message()
		if noMatch := e.noMatch(q); noMatch != nil {
			return noMatch
		}
		if yanked := e.yanked(q); yanked != nil {
			return yanked
		}
	}
	switch status.Status {
	case http.StatusNotFound, http.StatusGone:
		answer.Err = source.ErrNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		answer.Err = source.ErrAuth
	case http.StatusConflict:
		answer.Err = source.ErrAmbiguous
	case http.StatusUnavailableForLegalReasons:
		answer.Err = source.ErrWithheld
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		// What is wrong with the request, the server says.
	default:
		return err
	}
	if answer.Message == "" {
		answer.Message = string(status.Body[:min(len(status.Body), 60)])
	}
	return answer
}

// noMatch reads how registry/folderserver says that it has other versions only.
func (e envelope) noMatch(q version.Query) error {
	inner, ok := parseEnvelope(e["error"])
	if !ok || inner.text("code") != "no_match" {
		return nil
	}
	var have []string
	_ = json.Unmarshal(inner["have"], &have) // it is for people
	return &version.NoMatchError{Query: q, Have: have[:min(len(have), 100)]}
}
