package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/spelled"
)

// searchedCommands are all that ask the service. Their outputs and files are searched for secrets. The log of a build is
// the user's own: a whole file of it is printed byte for byte, so that only the pieces of a log that is followed are
// searched.
var searchedCommands = map[string]string{
	"stop":                "stop --job JOB --build 3 --timeout 400ms",
	"stop, JSON":          "stop --job JOB --build 3 --timeout 400ms -o json",
	"stop, wait":          "stop --job JOB --build 3 --timeout 400ms --wait 200ms",
	"superseded":          "superseded --job JOB --yes --audit DIR/audit --reason r --timeout 400ms",
	"superseded, JSON":    "superseded --job JOB --yes --audit DIR/audit --timeout 400ms -o json",
	"superseded, plan":    "superseded --job JOB --timeout 400ms",
	"runaway, project":    "runaway --project PROJECT --max-running 1h --yes --audit DIR/audit --timeout 400ms",
	"branches":            "branches --job JOB --branch main --yes --audit DIR/audit --timeout 400ms -o json",
	"run":                 "run --job JOB --branch main --state DIR/state --log-file DIR/log --timeout 300ms --stop-on-timeout",
	"run, attached":       "run --job JOB --attach 2 --state DIR/state --log-file DIR/log --timeout 300ms",
	"run, attached, JSON": "run --job JOB --attach 1 --state DIR/state --timeout 300ms -o json",
	"rerun":               "rerun --job JOB --build 4 --state DIR/state --timeout 300ms --quiet",
	"wait":                "wait --job JOB --build 4 --timeout 300ms",
	"wait, JSON":          "wait --job JOB --build 4 --timeout 300ms -o json",
	"logs":                "logs --job JOB --build 4 --timeout 400ms",
	"logs, followed":      "logs --job JOB --build 1 --follow --timeout 400ms",
	"logs, tail":          "logs --job JOB --build 1 --tail 5 --timeout 400ms",
	"logs, step":          "logs --job JOB --build 4 --step nothing --timeout 400ms",
	"builds":              "builds --job JOB --timeout 400ms",
	"builds, JSON":        "builds --job JOB --timeout 400ms -o json",
	"jobs":                "jobs --project PROJECT --timeout 400ms",
	"jobs, JSON":          "jobs --project PROJECT --timeout 400ms -o json",
	"artifacts":           "artifacts --job JOB --build 4 --timeout 400ms",
	"artifacts, JSON":     "artifacts --job JOB --build 4 --timeout 400ms -o json",
	"config":              "config --job JOB --timeout 400ms",
}

// A hostile is the service, which repeats the secret of a request in one place of the responses to one operation.
type hostile struct {
	*codeartsbuildtest.Server
	job   string
	token string // that the service accepts

	secret    func(*http.Request) string
	spell     func(string) string
	operation string
	edit      edit // nil: the service is honest

	mu     sync.Mutex
	leaves map[string]int  // values in the JSON of a response, by operation
	given  map[string]bool // secrets that were repeated
}

// An edit puts a text into a response.
type edit func(w *httptest.ResponseRecorder, text string)

func newHostile() *hostile {
	h := &hostile{Server: codeartsbuildtest.NewServer(), leaves: map[string]int{}, given: map[string]bool{}}
	h.SetStopDelay(time.Millisecond)
	h.job = newPushes(h.Server)
	for _, build := range []string{"1", "2", "3", h.AddBuild(h.job, codeartsbuild.Build{Branch: "main", Revision: "4444444", Status: codeartsbuild.StatusFailed})} {
		h.AppendLog(h.job, build, "a line\nanother line\n")
	}
	client := h.Client(codeartsbuild.WithTransport(roundTripper(func(r *http.Request) (*http.Response, error) {
		h.token = r.Header.Get("X-Auth-Token")
		return h.Transport().RoundTrip(r)
	})))
	_, _ = client.Builds.Get(context.Background(), h.job, "1")
	return h
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var identifiers = regexp.MustCompile(`[0-9a-fA-F-]{16,}|\b[0-9]+\b`)

func (h *hostile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, secret := r.Method+" "+identifiers.ReplaceAllString(r.URL.Path, "*"), ""
	if h.secret != nil {
		secret = h.secret(r)
	}
	if !strings.HasSuffix(r.URL.Path, "/tokens") {
		r.Header.Del("Authorization")
		r.Header.Set("X-Auth-Token", h.token)
	}
	reply := httptest.NewRecorder()
	h.Server.ServeHTTP(reply, r)
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := countLeaves(reply.Body.Bytes()); n > h.leaves[operation] {
		h.leaves[operation] = n
	}
	if h.edit != nil && operation == h.operation {
		h.given[secret] = true
		h.edit(reply, h.spell(secret))
		reply.Header().Del("Content-Length")
	}
	maps.Copy(w.Header(), reply.Header())
	w.WriteHeader(reply.Code)
	_, _ = w.Write(reply.Body.Bytes())
}

// call runs a command against the service at an address, and returns all that it wrote, by the place.
func (h *hostile) call(t *testing.T, dir, url, command string) map[string]string {
	args := strings.Fields(strings.NewReplacer("JOB", h.job, "PROJECT", h.ProjectID(), "DIR", dir).Replace(command))
	var stdout, stderr bytes.Buffer
	code := run(append(args, "--endpoint", url), &stdout, &stderr)
	texts := map[string]string{"stdout": stdout.String(), "stderr": stderr.String(), "exit code": strconv.Itoa(code)}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Error(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
		}
		texts[filepath.Base(name)] = string(text)
	}
	return texts
}

// countLeaves counts the values of a JSON text that are neither arrays nor objects.
func countLeaves(text []byte) int {
	n := 0
	_, _ = eachLeaf(text, func(any) any { n++; return nil })
	return n
}

// eachLeaf replaces the values of a JSON text, in the order of their names.
func eachLeaf(text []byte, replace func(any) any) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var whole any
	if err := decoder.Decode(&whole); err != nil {
		return nil, err
	}
	var walk func(any) any
	walk = func(value any) any {
		switch v := value.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				v[name] = walk(v[name])
			}
			return v
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
			return v
		}
		return replace(value)
	}
	return json.Marshal(walk(whole))
}

const place = "@@place@@"

// inLeaf puts a text into the value with this number, behind what a text had before if keep is set.
func inLeaf(number int, keep bool) edit {
	return func(w *httptest.ResponseRecorder, text string) {
		n := -1
		edited, err := eachLeaf(w.Body.Bytes(), func(value any) any {
			n++
			before, _ := value.(string)
			switch {
			case n != number:
				return value
			case keep:
				return before + " " + place
			}
			return place
		})
		if err == nil {
			w.Body = bytes.NewBufferString(strings.ReplaceAll(string(edited), place, text))
		}
	}
}

// otherEdits replace the whole response, or a header.
func otherEdits() map[string]edit {
	edits := map[string]edit{}
	for name, value := range map[string]string{
		"X-Request-Id": "%s", "Retry-After": "%s", "Content-Type": "text/html; charset=%s", "Content-Encoding": "%s", "Date": "%s", "Www-Authenticate": `x="%s"`,
	} {
		edits["header "+name] = func(w *httptest.ResponseRecorder, text string) {
			w.Header().Set(name, strings.ReplaceAll(value, "%s", headerText.ReplaceAllString(text, "")))
		}
	}
	for name, body := range map[string]string{
		"code": `{"error_code":"%s","error_msg":"bad"}`, "message": `{"error_code":"DEV.CB.1","error_msg":"bad %s"}`,
		"nested": `{"status":"error","error":{"code":"%s","reason":"%s"}}`, "page": `<html><title>bad %s</title></html>`, "text": `bad %s`,
	} {
		for _, status := range []int{200, 400, 403} {
			edits[fmt.Sprintf("%s of a %d", name, status)] = func(w *httptest.ResponseRecorder, text string) {
				w.Code, w.Body = status, bytes.NewBufferString(strings.ReplaceAll(body, "%s", text))
			}
		}
	}
	edits["redirect"] = func(w *httptest.ResponseRecorder, text string) {
		w.Code, w.Body = http.StatusTemporaryRedirect, new(bytes.Buffer)
		w.Header().Set("Location", "https://login.example.com/"+headerText.ReplaceAllString(text, ""))
	}
	return edits
}

var headerText = regexp.MustCompile(`[^ -~]`)

// A search is one command against a service that repeats a secret in one place.
type search struct {
	command, operation, place, spelling string
	edit                                edit
}

// searches are all commands with each value of each response, and with all else that a response has.
func searches(t *testing.T, address func(*hostile) string) []search {
	var all []search
	spellings := slices.Sorted(maps.Keys(spelled.All()))
	add := func(s search) {
		s.spelling = spellings[len(all)%len(spellings)]
		all = append(all, s)
	}
	for _, command := range slices.Sorted(maps.Keys(searchedCommands)) {
		h := newHostile()
		texts := h.call(t, t.TempDir(), address(h), searchedCommands[command])
		h.Close()
		if len(h.leaves) == 0 {
			t.Errorf("%s asks for nothing: %s", command, texts["stderr"])
		}
		for _, operation := range slices.Sorted(maps.Keys(h.leaves)) {
			for n := range min(h.leaves[operation], 60) {
				add(search{command, operation, fmt.Sprintf("value %d", n), "", inLeaf(n, n%2 == 0)})
			}
			for name, edit := range otherEdits() {
				add(search{command, operation, name, "", edit})
			}
		}
	}
	return all
}

// front has a service for each search, by the first part of the path.
type front struct {
	services sync.Map
	url      string
}

func newFront(t *testing.T) *front {
	f := &front{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if h, ok := f.services.Load(name); ok {
			http.StripPrefix("/"+name, h.(*hostile)).ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *front) address(h *hostile) string {
	name := fmt.Sprintf("%p", h)
	f.services.Store(name, h)
	return f.url + "/" + name
}

// B164: the secrets of requests are in nothing that the programs write, wherever the service repeats them.
func TestNoSecretInWhatCommandsWrite(t *testing.T) { // not parallel: it sets variables
	const token = "MIIEtok+en/For=Commands0987zyx"
	_, secretKey := codeartsbuildtest.NewServer().AccessKey()
	tests := map[string]struct {
		token  string // "": requests are signed
		secret func(*http.Request) string
	}{
		"token":      {token, func(r *http.Request) string { return r.Header.Get("X-Auth-Token") }},
		"secret key": {"", func(*http.Request) string { return secretKey }},
		"signature": {"", func(r *http.Request) string {
			_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			return signature
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.token != "" {
				t.Setenv("CODEARTSBUILD_TOKEN", tt.token)
				t.Setenv("HUAWEICLOUD_SDK_AK", "")
				t.Setenv("HUAWEICLOUD_SDK_SK", "")
			}
			f := newFront(t)
			all := searches(t, f.address)
			if tt.token == "" { // a part of them, since the client finds each secret in the same way
				all = slices.DeleteFunc(all, func(s search) bool { return len(s.command+s.operation+s.place)%4 > 0 })
			}
			searched := searchAll(t, f, all, tt.secret)
			t.Logf("%d combinations of command, field and spelling, %d of them with a secret", len(all), searched)
			if tt.token != "" && searched < 1000 {
				t.Errorf("%d combinations, want at least 1000", searched)
			}
		})
	}
}

// B164: the password of a login is in nothing that the programs write, wherever IAM repeats it.
func TestNoPasswordInWhatCommandsWrite(t *testing.T) { // not parallel: it sets variables
	f := newFront(t)
	login := codeartsbuildtest.NewServer().IAMConfig()
	password, err := login.Password(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"OS_AUTH_URL": f.url + "/login", "OS_USERNAME": login.UserName, "OS_PASSWORD": password, "OS_USER_DOMAIN_NAME": login.DomainName,
		"OS_PROJECT_NAME": login.ProjectName, "HUAWEICLOUD_SDK_AK": "", "HUAWEICLOUD_SDK_SK": "",
	} {
		t.Setenv(name, value)
	}
	const operation = "POST /v3/auth/tokens"
	secret := func(*http.Request) string { return password }
	edits := otherEdits()
	for n := range 12 {
		edits[fmt.Sprintf("value %d", n)] = inLeaf(n, n%2 == 0)
	}
	spellings, searched := slices.Sorted(maps.Keys(spelled.All())), 0
	for i, place := range slices.Sorted(maps.Keys(edits)) {
		for _, command := range []string{"stop", "builds, JSON"} { // one at a time, since all log in at the same address
			searched += f.search(t, search{command, operation, place, spellings[i%len(spellings)], edits[place]}, secret)
		}
	}
	if searched < 2*len(edits) {
		t.Errorf("the password was repeated %d times, want %d", searched, 2*len(edits))
	}
}

// searchAll makes the searches, many at a time, and returns in how many of them the service repeated the secret.
func searchAll(t *testing.T, f *front, all []search, secret func(*http.Request) string) int {
	var group sync.WaitGroup
	var searched atomic.Int64
	queue := make(chan search)
	for range 100 { // they mostly wait
		group.Go(func() {
			for s := range queue {
				searched.Add(int64(f.search(t, s, secret)))
			}
		})
	}
	for _, s := range all {
		queue <- s
	}
	close(queue)
	group.Wait()
	return int(searched.Load())
}

// search returns 1 if the service repeated the secret, and 0 otherwise.
func (f *front) search(t *testing.T, s search, secret func(*http.Request) string) int {
	h := newHostile()
	defer h.Close()
	h.secret, h.spell, h.operation, h.edit = secret, spelled.All()[s.spelling], s.operation, s.edit
	f.services.Store("login", h)
	texts := h.call(t, t.TempDir(), f.address(h), searchedCommands[s.command])
	h.mu.Lock()
	defer h.mu.Unlock()
	for given := range h.given {
		for where, text := range texts {
			if piece := spelled.PieceOf(text, given); piece != "" {
				t.Errorf("%s, %s of %s, spelled %s: %s has %q: %.600s", s.command, s.place, s.operation, s.spelling, where, piece, text)
			}
		}
	}
	return min(len(h.given), 1)
}
