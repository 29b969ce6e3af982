package compat_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/def"
	vendor "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/codeartsbuild/v3"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/codeartsbuild/v3/model"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/apidoc"
	"github.com/codeartsbuild-go/codeartsbuild/internal/apitest"
)

// different are the differences between the requests of the two clients for the same values, by operation and by
// parameter of the query ("?page") or member of the body, with the reason.
var different = map[string]string{
	"CreateNewJob: agency_urn":            newer,
	"CreateNewJob: description":           newer,
	"CreateNewJob: resource_limit":        newer,
	"UpdateNewJob: agency_urn":            newer,
	"UpdateNewJob: description":           newer,
	"UpdateNewJob: resource_limit":        newer,
	"UpdateNewJob: group_id":              newer,
	"UpdateNewJob: timeout":               newer,
	"UpdateNewJob: triggers":              newer,
	"UpdateNewJob: source_code":           newer,
	"UpdateNewJob: scms[].enable_git_lfs": newer,
	"UpdateNewJob: scms[].group_name":     newer,
	"UpdateNewJob: scms[].repo_name":      newer,
	"ExecuteJob: scm.branch":              newer,
	"ExecuteJob: scm.build_type":          newer,
	"ExecuteJob tag: scm.build_type":      newer,
	"CreateNewJob: source_code":           oneConfig,
	"UpdateNewJob: build_if_code_updated": oneConfig,
	"CopyJob: agency_urn":                 oneConfig,
	"CopyJob: build_if_code_updated":      oneConfig,
	"CopyJob: description":                oneConfig,
	"CopyJob: group_id":                   oneConfig,
	"CopyJob: resource_limit":             oneConfig,
	"CopyJob: source_code":                oneConfig,
	"CopyJob: timeout":                    oneConfig,
	"CreateTemplate: resource_limit":      newer,
	"StopTheJob: ":                        "the pages have the build number in the body, the vendor's client has it in the query only",
}

const (
	newer     = "in the documentation, but not in the vendor's client of this version"
	oneConfig = "a member of a job's configuration that other calls document, but this one does not"
)

// unreadable are the operations whose response of the in-memory service the vendor's client cannot read.
var unreadable = map[string]string{
	"DownloadBuildRealTimeLog": logOffsets,
	"ShowActionIInfo":          logOffsets,
	"ShowProjectPermission":    "role_ids are numbers in the documented example, texts in the vendor's type",
}

const logOffsets = "the offsets are numbers in the documented example, texts in the vendor's type"

// notCompared are the operations of both clients that are not compared.
var notCompared = map[string]string{
	"UploadKeystore": "its body is multipart: TestVendorClientUploads",
}

// A recordedRequest is what a client sent.
type recordedRequest struct {
	method, path string
	query        url.Values
	body         any
}

// A recorder keeps the requests that reach the in-memory service.
type recorder struct {
	service *codeartsbuildtest.Server
	mu      sync.Mutex
	seen    []recordedRequest
}

func (r *recorder) keep(req *http.Request) {
	var data []byte
	if req.Body != nil {
		data, _ = io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(data))
	}
	seen := recordedRequest{method: req.Method, path: req.URL.Path, query: req.URL.Query()}
	if kind, parameters, _ := mime.ParseMediaType(req.Header.Get("Content-Type")); kind == "multipart/form-data" {
		seen.body = partsOf(data, parameters["boundary"])
	} else {
		_ = json.Unmarshal(data, &seen.body)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, seen)
}

// partsOf returns the parts of a multipart body as an object, in which a file is an object as well.
func partsOf(data []byte, boundary string) map[string]any {
	parts := make(map[string]any)
	reader := multipart.NewReader(bytes.NewReader(data), boundary)
	for part, err := reader.NextPart(); err == nil; part, err = reader.NextPart() {
		content, _ := io.ReadAll(part)
		parts[part.FormName()] = string(content)
		if part.FileName() != "" {
			parts[part.FormName()] = map[string]any{"name": part.FileName(), "content": string(content)}
		}
	}
	return parts
}

// ServeHTTP is the recorder as the service.
func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.keep(req)
	r.service.ServeHTTP(w, req)
}

// RoundTrip is the recorder as a transport.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.keep(req)
	return r.service.Transport().RoundTrip(req)
}

// vendorMethods are the methods of the vendor's client that make a call, by operation.
func vendorMethods() map[string]reflect.Method {
	methods := make(map[string]reflect.Method)
	client := reflect.TypeFor[*vendor.CodeArtsBuildClient]()
	for i := range client.NumMethod() {
		if m := client.Method(i); m.Type.NumIn() == 2 && m.Type.NumOut() == 2 && !strings.HasSuffix(m.Name, "Invoker") {
			methods[m.Name] = m
		}
	}
	return methods
}

// Both clients send the same request for the same values, and the vendor's client reads the response.
func TestBothClientsSendTheSame(t *testing.T) {
	t.Parallel()
	document, err := apidoc.Read("../testdata/operations.json")
	if err != nil {
		t.Fatal(err)
	}
	methods := vendorMethods()
	readable := 0
	for name, call := range apitest.Calls() {
		operation := apitest.OperationOf(name)
		method, ok := methods[operation]
		if !ok || notCompared[operation] != "" {
			continue
		}
		if name == operation && unreadable[operation] == "" {
			readable++
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own, path := ownRequest(t, document.Operation(operation), call)
			theirs, err := vendorRequest(t, method, own, path)
			if (err != nil) != (unreadable[operation] != "") {
				t.Errorf("the vendor's client reads the response: %v, want the exception %q", err, unreadable[operation])
			}
			compareRequests(t, name, own, theirs)
		})
	}
	if readable < 100 {
		t.Errorf("the vendor's client reads the responses of %d operations, want 100 or more", readable)
	}
}

// ownRequest makes the call with this module's client. It returns the request, and the arguments in its path.
func ownRequest(t *testing.T, op apidoc.Operation, call apitest.Call) (recordedRequest, map[string]string) {
	t.Helper()
	r := &recorder{service: codeartsbuildtest.NewServer()}
	t.Cleanup(r.service.Close)
	result, err := call(t.Context(), apitest.NewScene(t, r.service, codeartsbuild.WithTransport(r)))
	if err != nil {
		t.Fatal(err)
	}
	if file, ok := result.(io.Closer); ok {
		file.Close()
	}
	for _, request := range r.seen {
		if path, ok := argumentsIn(request.path, op.Path); ok && request.method == op.Method {
			return request, path
		}
	}
	t.Fatalf("no request of %s among %v", op.Name, r.seen)
	return recordedRequest{}, nil
}

// The vendor's client takes the parts of a form in types of its own.
func TestVendorClientUploads(t *testing.T) {
	t.Parallel()
	document, err := apidoc.Read("../testdata/operations.json")
	if err != nil {
		t.Fatal(err)
	}
	own, _ := ownRequest(t, document.Operation("UploadKeystore"), apitest.Calls()["UploadKeystore"])
	name := filepath.Join(t.TempDir(), "b.jks")
	if err := os.WriteFile(name, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()

	client, r := recordedVendorClient(t)
	response, err := client.UploadKeystore(&model.UploadKeystoreRequest{Body: &model.UploadKeystoreRequestBody{
		File: def.NewFilePart(file), Privacy: def.NewMultiPart(true), Description: def.NewMultiPart("d"),
	}})
	if err != nil || response.Result == nil || value(response.Result.KeystoreId) == "" {
		t.Fatalf("UploadKeystore: %v, %v, want the id of the file", response, err)
	}
	compareRequests(t, "UploadKeystore", own, r.seen[0])
}

// argumentsIn returns the arguments in a path, by their placeholders.
func argumentsIn(path, template string) (map[string]string, bool) {
	values, names := strings.Split(path, "/"), strings.Split(template, "/")
	if len(values) != len(names) {
		return nil, false
	}
	arguments := make(map[string]string)
	for i, name := range names {
		if inner, ok := strings.CutPrefix(name, "{"); ok {
			arguments[strings.TrimSuffix(inner, "}")] = values[i]
		} else if name != values[i] {
			return nil, false
		}
	}
	return arguments, true
}

// vendorRequest makes the same call with the vendor's client. Its error is that of the client.
func vendorRequest(t *testing.T, method reflect.Method, own recordedRequest, path map[string]string) (recordedRequest, error) {
	t.Helper()
	client, r := recordedVendorClient(t)
	in := reflect.New(method.Type.In(1).Elem())
	if err := fillRequest(in.Elem(), own, path); err != nil {
		t.Fatal(err)
	}
	out := method.Func.Call([]reflect.Value{reflect.ValueOf(client), in})
	if len(r.seen) != 1 {
		t.Fatalf("the vendor's client sent %d requests, want 1: %v", len(r.seen), out[1])
	}
	err, _ := out[1].Interface().(error)
	return r.seen[0], err
}

// recordedVendorClient is the vendor's client on a scene of its own.
func recordedVendorClient(t *testing.T) (*vendor.CodeArtsBuildClient, *recorder) {
	t.Helper()
	r := &recorder{service: codeartsbuildtest.NewServer()}
	t.Cleanup(r.service.Close)
	apitest.NewScene(t, r.service)
	listener := httptest.NewServer(r)
	t.Cleanup(listener.Close)
	id, secret := r.service.AccessKey()
	return vendorClient(t, listener.URL, id, secret), r
}

// fillRequest sets the fields of the vendor's request to the values of a request of this module's client.
func fillRequest(in reflect.Value, own recordedRequest, path map[string]string) error {
	for i := range in.NumField() {
		name, _, _ := strings.Cut(in.Type().Field(i).Tag.Get("json"), ",")
		field := in.Field(i)
		values := own.query[name]
		if argument, ok := path[name]; ok {
			values = []string{argument}
		}
		var data []byte
		switch {
		case name == "body":
			data, _ = json.Marshal(own.body)
		case values == nil:
			continue
		default:
			data = jsonFor(field.Type(), values)
		}
		if err := json.Unmarshal(data, field.Addr().Interface()); err != nil {
			return fmt.Errorf("%s = %s: %w", name, data, err)
		}
	}
	return nil
}

// jsonFor writes the values of a parameter as JSON for a field of this type.
func jsonFor(t reflect.Type, values []string) []byte {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Slice {
		data, _ := json.Marshal(values)
		return data
	}
	if t.Kind() == reflect.String || t.Kind() == reflect.Struct { // a struct is an enumeration
		data, _ := json.Marshal(values[0])
		return data
	}
	return []byte(values[0])
}

// compareRequests compares two requests, except for the differences that are listed.
func compareRequests(t *testing.T, name string, own, theirs recordedRequest) {
	t.Helper()
	if own.method != theirs.method || own.path != theirs.path {
		t.Errorf("%s %s, the vendor's client sends %s %s", own.method, own.path, theirs.method, theirs.path)
	}
	found := make(map[string]bool)
	for parameter := range merged(own.query, theirs.query) {
		if !slices.Equal(own.query[parameter], theirs.query[parameter]) {
			found["?"+parameter] = true
		}
	}
	differentMembers("", own.body, theirs.body, found)
	for parameter := range found {
		if different[name+": "+parameter] == "" {
			t.Errorf("%s differs: %v %v, the vendor's client sends %v %v", parameter, own.query, own.body, theirs.query, theirs.body)
		}
	}
	for key := range different {
		if parameter, ok := strings.CutPrefix(key, name+": "); ok && !found[parameter] {
			t.Errorf("%s does not differ", key)
		}
	}
}

func merged[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	if all == nil {
		all = make(map[string]V)
	}
	maps.Copy(all, b)
	return all
}

// differentMembers finds the members of two JSON values that differ.
func differentMembers(path string, own, theirs any, found map[string]bool) {
	ownObject, isObject := own.(map[string]any)
	theirObject, areObjects := theirs.(map[string]any)
	if isObject && areObjects {
		for name := range merged(ownObject, theirObject) {
			differentMembers(strings.TrimPrefix(path+"."+name, "."), ownObject[name], theirObject[name], found)
		}
		return
	}
	ownList, isList := own.([]any)
	theirList, areLists := theirs.([]any)
	if isList && areLists && len(ownList) == len(theirList) {
		for i := range ownList {
			differentMembers(path+"[]", ownList[i], theirList[i], found)
		}
		return
	}
	if !reflect.DeepEqual(own, theirs) {
		found[path] = true
	}
}
