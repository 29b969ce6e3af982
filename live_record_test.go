package codeartsbuild_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/redact"
)

// A liveRecorder keeps the last response to each operation, and the credentials that requests carried.
type liveRecorder struct {
	next http.RoundTripper

	mu        sync.Mutex
	responses map[string]*bytes.Buffer
	secrets   map[string]bool
}

func newLiveRecorder(next http.RoundTripper) *liveRecorder {
	return &liveRecorder{next: next, responses: make(map[string]*bytes.Buffer), secrets: make(map[string]bool)}
}

// credentialHeaders carry credentials, to the service or from IAM.
var credentialHeaders = []string{"X-Auth-Token", "X-Security-Token", "Authorization", "X-Subject-Token"}

func (r *liveRecorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.next.RoundTrip(req)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keepSecrets(req.Header)
	if err != nil {
		return nil, err
	}
	r.keepSecrets(resp.Header)
	body := new(bytes.Buffer)
	if operation := codeartsbuild.OperationFromContext(req.Context()); operation != "CreateToken" && resp.StatusCode == http.StatusOK {
		r.responses[operation] = body
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(resp.Body, body), resp.Body}
	return resp, nil
}

func (r *liveRecorder) keepSecrets(header http.Header) {
	for _, name := range credentialHeaders {
		for part := range strings.FieldsFuncSeq(header.Get(name), func(c rune) bool { return c == ',' || c == ' ' }) {
			_, value, _ := strings.Cut(part, "Access=") // of a signature: the id of the access key
			r.secrets[cmp.Or(value, part)] = true
		}
	}
}

// json returns the last response to an operation, if it was JSON.
func (r *liveRecorder) json(operation string) (value any, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, ok := r.responses[operation]
	if !ok {
		return nil, false
	}
	decoder := json.NewDecoder(bytes.NewReader(body.Bytes()))
	decoder.UseNumber()
	return value, decoder.Decode(&value) == nil
}

// write writes the responses that are JSON, cleaned, one file an operation. Logs and other files are left out.
func (r *liveRecorder) write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	c := cleaner{names: make(map[string]string)}
	for secret := range r.secrets {
		c.secrets = append(c.secrets, secret)
	}
	values := make(map[string]any)
	for operation := range r.responses {
		if value, ok := r.json(operation); ok {
			values[operation] = value
			c.collect("", value)
		}
	}
	c.sort()
	for operation, value := range values {
		data, err := json.MarshalIndent(c.clean("", value), "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, operation+".response.json"), append(data, '\n'), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// A cleaner takes out of responses what belongs to the account: credentials, texts that can hold some, and the ids and
// names of accounts, users and projects, which it replaces by the same other one each time.
type cleaner struct {
	secrets []string
	names   map[string]string // the replacements of ids and names
	long    []string          // the names that are replaced within texts, the longest first: one can begin with another
}

var (
	// ofSomeone are the names of members that say whose something is.
	ofSomeone = regexp.MustCompile(`(?i)user|domain|project|creator|author|executor|nick|account|tenant|owner|email|mail|phone|created_by|updated_by`)
	// freeText are the names of members that can hold a secret: parameters, scripts, logs.
	freeText = regexp.MustCompile(`(?i)pass|secret|token|credential|private|access_key|^value$|^log$|script|content|yml|yaml|command|^data$`)
	// loginInURL is the part of an address with a user name and a password.
	loginInURL = regexp.MustCompile(`://[^/@\s]+@`)
	// isWord are values that say nothing about anyone.
	isWord = regexp.MustCompile(`^(true|false|\d{1,4}|)$`)
)

// collect chooses the replacements for the ids and names in a value.
func (c *cleaner) collect(name string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for member, inner := range value {
			c.collect(member, inner)
		}
	case []any:
		for _, inner := range value {
			c.collect(name, inner)
		}
	case string:
		if ofSomeone.MatchString(name) && !isWord.MatchString(value) && c.names[value] == "" {
			c.names[value] = replacement(value, len(c.names)+1)
		}
	}
}

func (c *cleaner) sort() {
	for name := range c.names {
		if len(name) >= redact.MinLength {
			c.long = append(c.long, name)
		}
	}
	slices.SortFunc(c.long, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
}

var hexDigits = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)

// replacement returns a made-up value of the same form.
func replacement(value string, n int) string {
	switch {
	case hexDigits.MatchString(value):
		return fmt.Sprintf("%032x", n)
	case len(value) == 36 && strings.Count(value, "-") == 4:
		return fmt.Sprintf("00000000-0000-4000-8000-%012x", n)
	}
	return fmt.Sprintf("name-%d", n)
}

func (c *cleaner) clean(name string, value any) any {
	switch value := value.(type) {
	case map[string]any:
		cleaned := make(map[string]any, len(value))
		for member, inner := range value {
			cleaned[c.text(member)] = c.clean(member, inner)
		}
		return cleaned
	case []any:
		cleaned := make([]any, len(value))
		for i, inner := range value {
			cleaned[i] = c.clean(name, inner)
		}
		return cleaned
	case json.Number:
		if ofSomeone.MatchString(name) && !isWord.MatchString(value.String()) {
			return json.Number("0")
		}
	case string:
		if freeText.MatchString(name) && !isWord.MatchString(value) {
			return "[removed]"
		}
		return c.text(value)
	}
	return value
}

// text cleans a text. Names that are too short to be told from other words are replaced only where they stand alone.
func (c *cleaner) text(text string) string {
	if other, ok := c.names[text]; ok {
		return other
	}
	for _, name := range c.long {
		text = strings.ReplaceAll(text, name, c.names[name])
	}
	return redact.Remove(loginInURL.ReplaceAllString(text, "://"), c.secrets...)
}
