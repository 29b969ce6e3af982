package codeartsbuild_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/apidoc"
	"github.com/codeartsbuild-go/codeartsbuild/internal/apitest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// dropped are members of responses that the result of a method does not have, with the reason.
var dropped = map[string]string{
	"StopJob":                                          "StopResult.Result",
	"DownloadBuildRealTimeLog log":                     followed,
	"DownloadBuildRealTimeLog start_offset":            followed,
	"DownloadBuildRealTimeLog end_offset":              followed,
	"DownloadBuildRealTimeLog has_more":                followed,
	"DownloadBuildRealTimeLog location":                followed,
	"ListBuildInfoRecordByJobId health_score":          "of the job: Jobs.Get reports it",
	"ListBuildInfoRecordByJobId [].job_running_status": "a part of Build.Status",
	"ShowBuildInfoRecord job_running_status":           "a part of Build.Status",
	"ListRecyclingJob keep_time":                       "Jobs.KeepTime returns it, from the same operation",
	"ShowRelatedProject total":                         "the length of the list",
	"UpdateNewJob":                                     "the id that the call names",
	"UpdateNewNoticeNew":                               saysDone,
	"UpdateSimpleJobRolePermission":                    saysDone,
	"ApplyProjectPermission":                           saysDone,
	"DeleteGroup":                                      saysDone,
	"SwitchedPacket":                                   saysDone,
	"DeleteKeystore":                                   saysDone,
	"DeleteKeystorePermission":                         saysDone,
	"UpdateKeystorePermission":                         saysDone,
	"SaveTemplateUsedInfo":                             saysDone,
	"BatchUpdateJobRolePermission":                     saysDone,
}

const (
	followed = "Follow hands over the text and the offset from which to go on"
	saysDone = "a text that says only that the call was done"
)

// renamed are members that a result has under the name of another operation's response.
var renamed = map[string]string{
	"ListBuildInfoRecordByJobId [].number":      "build_no",
	"ListBuildInfoRecordByJobId [].state":       "status",
	"ListBuildInfoRecordByJobId [].code_branch": "branch",
	"ListBuildInfoRecordByJobId [].commit_id":   "revision",
	"ListBuildInfoRecordByJobId [].cost_time":   "duration",
	"ShowBuildInfoRecord number":                "build_no",
	"ShowBuildInfoRecord state":                 "status",
	"ShowBuildInfoRecord code_branch":           "branch",
	"ShowBuildInfoRecord commit_id":             "revision",
	"ShowBuildInfoRecord cost_time":             "duration",
	"ShowJobBuildRecordDetail codeci_job_id":    "job_id",
	"ShowJobBuildRecordDetail commit":           "revision",
}

// unread are examples that no method can read.
var unread = map[string]string{
	"ShowBuildInfoRecord.response": "its values are the names of their types",
}

// envelope are the members around a result. Errors report them.
var envelope = []string{"status", "error", "success", "message", "err_code", "error_code", "error_msg"}

// paging are members of lists that repeat the request or that Page reports as Total.
var paging = []string{"total", "total_size", "total_record", "total_page", "page_index", "page_size", "page_no", "page", "limit", "offset", "page_total", "count", "pagination"}

// differences are what a result lacks, each named by the operation and the path of the member.
type differences struct {
	operation string
	excepted  map[string]bool // those that are in dropped
	others    []string
}

func newDifferences(operation string) *differences {
	return &differences{operation: operation, excepted: make(map[string]bool)}
}

func (d *differences) add(path, format string, args ...any) {
	key := strings.TrimSpace(d.operation + " " + strings.TrimPrefix(path, "."))
	if dropped[key] != "" {
		d.excepted[key] = true
		return
	}
	d.others = append(d.others, key+": "+fmt.Sprintf(format, args...))
}

// Each documented example is read into the type of the operation's method, and nothing of it is lost.
func TestExamplesAreReadWhole(t *testing.T) {
	t.Parallel()
	for _, op := range readDocument(t).Operations {
		files, err := filepath.Glob("testdata/examples/" + op.Name + ".response*.json")
		require.NoError(t, err)
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".json")
			if !op.HasMethod() || strings.HasSuffix(name, ".note") || unread[name] != "" {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { // Follow pauses
					example, err := os.ReadFile(file)
					require.NoError(t, err)
					call := apitest.Calls()[op.Name]
					require.NotNil(t, call, "apitest.Calls has no call of the operation")
					result, err := call(t.Context(), scriptedScene(t, httpfake.Reply(http.StatusOK, string(example))).Example(op.Name))
					require.NoError(t, err)
					decoder := json.NewDecoder(bytes.NewReader(example))
					decoder.UseNumber()
					var want any
					require.NoError(t, decoder.Decode(&want))
					d := newDifferences(op.Name)
					d.compare("", payloadOf(want), reflect.ValueOf(result))
					assert.Empty(t, d.others)
					_, err = loosejson.Marshal(result)
					assert.NoError(t, err)
				})
			})
		}
	}
}

func scriptedScene(t *testing.T, transport http.RoundTripper) *apitest.Scene {
	t.Helper()
	return apitest.Scripted(sdktest.Client(t, transport), sdktest.Client(t, transport, codeartsbuild.WithStopAPI(codeartsbuild.StopAPIV1)))
}

// payloadOf takes the envelope from an example; nil: there is nothing in it.
func payloadOf(example any) any {
	object, ok := example.(map[string]any)
	if !ok {
		return example
	}
	inner := make(map[string]any)
	for name, value := range object {
		if name != "result" && !slices.Contains(envelope, name) {
			inner[name] = value
		}
	}
	if result, ok := object["result"]; ok && (len(inner) == 0 || !isBlank(result)) {
		return result
	}
	if len(inner) == 0 {
		return nil
	}
	return inner
}

func isBlank(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case []any:
		return !slices.ContainsFunc(value, func(v any) bool { return !isBlank(v) })
	case map[string]any:
		for _, member := range value {
			if !isBlank(member) {
				return false
			}
		}
		return true
	}
	return slices.Contains([]string{"", "0", "false", "null"}, fmt.Sprint(value))
}

// compare finds what got lacks of want.
func (d *differences) compare(path string, want any, got reflect.Value) {
	got = behind(got)
	switch want := want.(type) {
	case map[string]any:
		d.compareObject(path, want, got)
		return
	case []any:
		rows := got
		if items, ok := pageItems(got); ok {
			rows = items
		}
		if rows.IsValid() && rows.Kind() == reflect.Slice && rows.Len() == len(want) {
			for i := range want {
				d.compare(path+"[]", want[i], rows.Index(i))
			}
			return
		}
	}
	if isBlank(want) && (!got.IsValid() || got.IsZero() || got.Kind() == reflect.Slice && got.Len() == 0) {
		return
	}
	if !isSame(want, got) {
		d.add(path, "the example has %v, the result %v", want, printed(got))
	}
}

func (d *differences) compareObject(path string, want map[string]any, got reflect.Value) {
	if len(want) == 0 {
		return
	}
	if !got.IsValid() {
		d.add(path, "the example has %v, the result nothing", want)
		return
	}
	if raw, ok := got.Interface().(json.RawMessage); ok {
		data, _ := json.Marshal(want)
		if !assert.ObjectsAreEqual(anyOf(raw), anyOf(data)) {
			d.add(path, "the example has %s, the result %s", data, raw)
		}
		return
	}
	if got.Kind() == reflect.Slice && got.Len() == 1 && hasAll(got.Index(0), want) {
		got = got.Index(0) // documented as one and as a list
	}
	if got.Kind() == reflect.Slice && len(want) > 1 && got.Len() == len(want) {
		d.compareValues(path, want, got)
		return
	}
	isPage := false
	if items, ok := pageItems(got); ok {
		isPage, got = true, items
	}
	if name := wrapperOf(given(want), got); name != "" {
		for other, value := range want {
			if other != name && !(isPage && slices.Contains(paging, other)) && !isBlank(value) {
				d.add(path+"."+other, "the example has %v, the result nothing", value)
			}
		}
		d.compare(path, want[name], got)
		return
	}
	for name, value := range want {
		member, known := memberOf(got, d.nameOf(path, name))
		if !known && isBlank(value) {
			continue // the other test knows whether it is documented
		}
		if !known {
			d.add(path+"."+name, "the example has %v, the result nothing", value)
			continue
		}
		d.compare(path+"."+name, value, member)
	}
}

// compareValues compares a map with a list of its values.
func (d *differences) compareValues(path string, want map[string]any, got reflect.Value) {
	for key, value := range want {
		found := false
		for i := range got.Len() {
			trial := newDifferences(d.operation)
			trial.compare(path+"[]", value, got.Index(i))
			found = found || len(trial.others) == 0
		}
		if !found {
			d.add(path+"."+key, "no element of the result is %v", value)
		}
	}
}

// nameOf is the name under which a result has a member.
func (d *differences) nameOf(path, member string) string {
	if name := renamed[d.operation+" "+strings.TrimPrefix(path+"."+member, ".")]; name != "" {
		return name
	}
	return member
}

// hasAll reports whether a struct has a field for each of the members.
func hasAll(v reflect.Value, members map[string]any) bool {
	for name := range members {
		if v.Kind() != reflect.Struct || fieldOf(v.Type(), name) == nil {
			return false
		}
	}
	return true
}

// given returns the members that say something, or all if none does.
func given(members map[string]any) map[string]any {
	saying := maps.Clone(members)
	maps.DeleteFunc(saying, func(_ string, value any) bool { return isBlank(value) })
	if len(saying) == 0 {
		return members
	}
	return saying
}

// wrapperOf returns the member of an object that a result is; "": the result has members itself.
func wrapperOf(want map[string]any, got reflect.Value) string {
	switch got.Kind() {
	case reflect.Map:
		return ""
	case reflect.Struct:
		if _, isTime := got.Interface().(time.Time); !isTime {
			for name := range want {
				if _, ok := memberOf(got, name); ok || len(want) > 1 {
					return ""
				}
			}
		}
	}
	for name, value := range want {
		switch value.(type) {
		case []any:
			if got.Kind() == reflect.Slice {
				return name
			}
		case map[string]any:
			if got.Kind() == reflect.Struct || got.Kind() == reflect.Slice && len(want) == 1 {
				return name
			}
		default:
			if isSame(value, got) {
				return name
			}
		}
	}
	return ""
}

// pageItems returns the rows of a Page.
func pageItems(v reflect.Value) (reflect.Value, bool) {
	if !v.IsValid() || !isPageType(v.Type()) {
		return v, false
	}
	return v.FieldByName("Items"), true
}

func isPageType(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && strings.HasPrefix(t.Name(), "Page[")
}

// behind follows pointers and interfaces.
func behind(v reflect.Value) reflect.Value {
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		v = v.Elem()
	}
	return v
}

// memberOf returns the member of a struct or map that the service calls name.
func memberOf(v reflect.Value, name string) (reflect.Value, bool) {
	if v.Kind() == reflect.Map {
		member := v.MapIndex(reflect.ValueOf(name).Convert(v.Type().Key()))
		return member, member.IsValid()
	}
	if v.Kind() != reflect.Struct {
		return reflect.Value{}, false
	}
	if index := fieldOf(v.Type(), name); index != nil {
		return v.FieldByIndex(index), true
	}
	if extra := v.FieldByName("Extra"); extra.IsValid() && extra.Kind() == reflect.Map {
		member := extra.MapIndex(reflect.ValueOf(name))
		return member, member.IsValid()
	}
	return reflect.Value{}, false
}

// fieldOf returns the index of the field that the service calls name, or nil.
func fieldOf(t reflect.Type, name string) []int {
	for _, f := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names := append(strings.Split(f.Tag.Get("also"), ","), tag)
		if slices.ContainsFunc(names, func(known string) bool { return known != "" && strings.EqualFold(known, name) }) {
			return f.Index
		}
	}
	return nil
}

func anyOf(data []byte) (value any) {
	_ = json.Unmarshal(data, &value)
	return value
}

func printed(v reflect.Value) string {
	if !v.IsValid() {
		return "nothing"
	}
	data, err := loosejson.Marshal(v.Interface())
	return fmt.Sprintf("%s%v", data, errorOrNothing(err))
}

func errorOrNothing(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// isSame compares a value of an example with that of a result, spelling aside: numbers and texts, times, and words for
// the status of a build.
func isSame(want any, got reflect.Value) bool {
	if !got.IsValid() {
		return isBlank(want)
	}
	encoded, _ := json.Marshal(want)
	wantText, gotText := loosejson.Text(encoded), loosejson.Text([]byte(printed(got)))
	switch got := got.Interface().(type) {
	case time.Time:
		return loosejson.Time(wantText).Equal(got)
	case codeartsbuild.BuildStatus:
		var status codeartsbuild.BuildStatus
		return loosejson.Unmarshal(encoded, &status) == nil && status == got
	case json.RawMessage:
		return assert.ObjectsAreEqual(anyOf(encoded), anyOf(got))
	}
	return strings.EqualFold(wantText, gotText) || isBlank(want) && got.IsZero()
}

// Every documented member of a response has a field, whose type says as much as the document's.
func TestResultsHaveEveryDocumentedField(t *testing.T) {
	t.Parallel()
	document := readDocument(t)
	for _, op := range document.Operations {
		if !op.HasMethod() {
			continue
		}
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			call := apitest.Calls()[op.Name]
			require.NotNil(t, call, "apitest.Calls has no call of the operation")
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // a call that fails has a result of its type, too
			result, _ := call(ctx, scriptedScene(t, httpfake.Func(httpfake.Refused)))
			d := newDifferences(op.Name)
			d.compareTypes("", payloadType(document, op), reflect.TypeOf(result), document, nil)
			assert.Empty(t, d.others)
			for key := range dropped {
				if name, _, _ := strings.Cut(key, " "); name == op.Name {
					assert.True(t, d.excepted[key], "%s is not dropped", key)
				}
			}
		})
	}
}

// A documentedType is a documented type, or the members of one.
type documentedType struct {
	name   string
	fields []apidoc.Field // of an object
}

func typeOf(d *apidoc.Document, name string) documentedType {
	return documentedType{name, d.Types[name]}
}

// payloadType is the type of a response without its envelope.
func payloadType(d *apidoc.Document, op apidoc.Operation) documentedType {
	if op.ResponseBodyType != "" {
		return typeOf(d, op.ResponseBodyType)
	}
	payload := documentedType{name: op.Response}
	for _, f := range d.Types[op.Response] {
		switch {
		case f.Name == "result":
			return typeOf(d, f.Type)
		case !slices.Contains(envelope, f.Name):
			payload.fields = append(payload.fields, f)
		}
	}
	if payload.fields == nil {
		payload.name = "any" // only the envelope
	}
	return payload
}

func (d *differences) compareTypes(path string, want documentedType, got reflect.Type, document *apidoc.Document, above []string) {
	for got != nil && got.Kind() == reflect.Pointer {
		got = got.Elem()
	}
	switch element, isMany := apidoc.ElementOf(want.name); {
	case want.name == "any" || slices.Contains(above, want.name):
	case got == nil:
		d.add(path, "the document has %s, the result nothing", want.name)
	case isMany && (got.Kind() == reflect.Slice && got != rawType || got.Kind() == reflect.Map):
		d.compareTypes(path+"[]", typeOf(document, element), got.Elem(), document, above)
	case isMany && isPageType(got):
		d.compareTypes(path+"[]", typeOf(document, element), rowType(got), document, above)
	case want.fields != nil:
		d.compareFields(path, want, got, document, append(slices.Clip(above), want.name))
	case isMany || got == rawType || got.Kind() == reflect.Interface || got.Kind() == reflect.Slice || got.Kind() == reflect.Map || got.Kind() == reflect.Struct && got != timeType:
		d.add(path, "the document has %s, the result %s", want.name, got)
	}
}

var (
	rawType  = reflect.TypeFor[json.RawMessage]()
	timeType = reflect.TypeFor[time.Time]()
)

func rowType(page reflect.Type) reflect.Type {
	items, _ := page.FieldByName("Items")
	return items.Type.Elem()
}

// compareFields compares the members of an object. A result that is not an object is one of its members.
func (d *differences) compareFields(path string, want documentedType, got reflect.Type, document *apidoc.Document, above []string) {
	matched := false
	for _, f := range want.fields {
		if got.Kind() == reflect.Struct && got != timeType && fieldOf(got, d.nameOf(path, f.Name)) != nil {
			matched = true
		}
	}
	for _, f := range want.fields {
		inner := path + "." + f.Name
		if matched {
			if index := fieldOf(got, d.nameOf(path, f.Name)); index != nil {
				d.compareTypes(inner, typeOf(document, f.Type), got.FieldByIndex(index).Type, document, above)
			} else {
				d.add(inner, "the document has it as %s, %s has not", f.Type, got)
			}
			continue
		}
		_, isMany := apidoc.ElementOf(f.Type)
		isObject := document.Types[f.Type] != nil
		switch {
		case isMany && (isPageType(got) || got.Kind() == reflect.Slice && got != rawType), isObject && got.Kind() == reflect.Struct && !isPageType(got):
			d.compareTypes(path, typeOf(document, f.Type), got, document, above)
		case isPageType(got) && slices.Contains(paging, f.Name):
		case !isMany && !isObject && len(want.fields) == 1:
			d.compareTypes(path, typeOf(document, f.Type), got, document, above)
		default:
			d.add(inner, "the document has it as %s, %s has not", f.Type, got)
		}
	}
}
