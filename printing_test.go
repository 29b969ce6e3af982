package codeartsbuild_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B5: no way of printing shows a secret.
func TestPrintingShowsNoSecret(t *testing.T) {
	t.Parallel()
	for name, v := range secretHolders(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, format := range formats() {
				requireHidden(t, format, fmt.Sprintf(format, v))
			}
			requireHidden(t, "Sprint", fmt.Sprint(v))
			for _, encode := range []func(any) ([]byte, error){json.Marshal, indented} {
				if text, err := encode(v); err != nil {
					requireHidden(t, "the error of json", err.Error())
				} else {
					requireHidden(t, "json", string(text))
				}
			}
			for handler, newHandler := range map[string]func(io.Writer) slog.Handler{
				"slog's text handler": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
				"slog's JSON handler": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
			} {
				var b bytes.Buffer
				slog.New(newHandler(&b)).With("with", v).WithGroup("group").Info("said", "value", v, slog.Group("inner", "value", v))
				require.NotEmpty(t, b.String())
				requireHidden(t, handler, b.String())
			}
		})
	}
}

// B5: packages that read memory themselves, as go-spew and go-cmp do, find no secret either, since each is
// behind a function.
func TestFieldsHoldNoSecret(t *testing.T) {
	t.Parallel()
	for name, v := range secretHolders(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			walkStrings(reflect.ValueOf(v), map[visited]bool{}, func(text string) { requireHidden(t, "a field", text) })
		})
	}
}

// B5: the two tests before this one look at each type that could hold a secret: one that is made of a
// function, has an unexported field, or has a field of such a type.
func TestEveryTypeThatCanHoldASecretIsPrinted(t *testing.T) {
	t.Parallel()
	printed := map[string]bool{}
	for _, v := range secretHolders(t) {
		typ := reflect.TypeOf(v)
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		printed[typ.Name()] = true
	}
	opaque := opaqueTypes(t)
	require.Greater(t, len(opaque), 8)
	for _, name := range opaque {
		require.True(t, printed[name], "%s is not printed", name)
	}
}

// opaqueTypes are the exported types of the package that could hold a secret.
func opaqueTypes(t *testing.T) []string {
	t.Helper()
	var opaque []string
	isOpaque := func(spec *ast.TypeSpec) bool {
		switch typ := spec.Type.(type) {
		case *ast.FuncType:
			return true
		case *ast.StructType:
			return slices.ContainsFunc(typ.Fields.List, func(field *ast.Field) bool {
				name, ok := field.Type.(*ast.Ident)
				embedded := ok && len(field.Names) == 0 && !name.IsExported()
				return embedded && name.Name != "service" || len(field.Names) > 0 && !field.Names[0].IsExported() || ok && slices.Contains(opaque, name.Name)
			})
		}
		return false
	}
	for range 2 { // the second time with the types that the first has found
		opaque = append(opaque, exportedTypes(t, isOpaque)...)
	}
	slices.Sort(opaque)
	return slices.Compact(opaque)
}

// secretHolders are values that hold secrets, or were near one, after their use: each as it is, and in the
// places where a program may keep it. Methods of values in unexported fields cannot be called by fmt.
func secretHolders(t *testing.T) map[string]any {
	t.Helper()
	values := map[string]any{}
	add := func(name string, places map[string]any) {
		for place, v := range places {
			values[name+", "+place] = v
		}
	}
	u := usedClients(t)
	for name, client := range u.clients {
		add("client with "+name, inPlaces(client))
		add("client with "+name+", by value", inPlaces(shallowCopy(client)))
	}
	services := reflect.ValueOf(u.clients["a login"]).Elem()
	for i := range services.NumField() {
		if services.Type().Field(i).IsExported() {
			add(services.Type().Field(i).Name, inPlaces(services.Field(i).Interface()))
		}
	}
	add("decision", inPlaces(codeartsbuild.StopDecision{Build: &codeartsbuild.Build{BuildNo: "1"}}))
	add("IAMConfig", inPlaces(u.config))
	add("SecretFunc", inPlaces(u.config.Password))
	add("token", inPlaces(*u.token))
	add("access key", inPlaces(*u.keys.key))
	add("static token source", inPlaces(codeartsbuild.StaticToken(sdktest.Token)))
	add("token source function", inPlaces(u.function))
	add("cached token source", inPlaces(u.cached))
	add("cached token source, by value", inPlaces(shallowCopy(u.cached)))
	add("login", inPlaces(u.login))
	add("static access key source", inPlaces(codeartsbuild.StaticAccessKey(sdktest.AccessKeyID, sdktest.SecretKey)))
	add("access key source of the user's", inPlaces(u.keys))
	add("cached access key source", inPlaces(u.cachedKeys))
	add("cached access key source, by value", inPlaces(shallowCopy(u.cachedKeys)))
	add("client option", inPlaces(codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(sdktest.Token))))
	add("client option with a key", inPlaces(codeartsbuild.WithAccessKeySource(u.keys)))
	add("call option", inPlaces(codeartsbuild.WithResponseInto(&u.response)))
	u.response.Body = nil // as the service sent it: WithResponseInto asks for it
	add("response", inPlaces(u.response))
	add("retry policy", inPlaces(codeartsbuild.RetryPolicy{MaxAttempts: 1}))
	for i, err := range u.errs {
		add(fmt.Sprintf("error %d", i), inPlaces(err))
	}
	add("API error", inPlaces(*sdktest.APIError(t, u.errs[0])))
	add("everything", inPlaces([]any{u.clients, u.config, u.token, u.keys, u.cached, u.login, u.cachedKeys, u.errs}))
	values["zero values"] = []any{
		codeartsbuild.Token{}, codeartsbuild.AccessKey{}, codeartsbuild.IAMConfig{}, codeartsbuild.APIError{}, codeartsbuild.Response{},
		&codeartsbuild.Token{}, &codeartsbuild.AccessKey{}, &codeartsbuild.Client{}, &codeartsbuild.CachedTokenSource{}, &codeartsbuild.APIError{},
		(*codeartsbuild.Token)(nil), (*codeartsbuild.AccessKey)(nil), (*codeartsbuild.Client)(nil), (*codeartsbuild.CachedTokenSource)(nil),
	}
	return values
}

// A kept is a value in a struct of a user's.
type kept[T any] struct{ inner T }

// inPlaces are the places where a program may keep a value.
func inPlaces[T any](v T) map[string]any {
	return map[string]any{
		"itself":                      v,
		"pointer":                     &v,
		"slice":                       []T{v},
		"slice of pointers":           []*T{&v},
		"map":                         map[string]T{"a": v},
		"any":                         []any{v},
		"unexported field":            kept[T]{v},
		"pointer in unexported field": kept[*T]{&v},
		"any in unexported field":     kept[any]{v},
		"two unexported fields deep":  kept[kept[T]]{kept[T]{v}},
		"pointer, two deep":           kept[kept[*T]]{kept[*T]{&v}},
		"pointer to unexported field": &kept[T]{v},
		"slice in unexported any":     kept[any]{[]any{&v}},
		"structs in a slice":          []kept[T]{{v}},
		"pointers to structs, slice":  []*kept[T]{{v}},
		"structs in a map of any":     map[string]any{"a": kept[T]{v}},
		"pointer to a pointer":        kept[**T]{ptr(&v)},
		"pointer to all of these":     &[]any{v, &v, kept[T]{v}},
	}
}

func ptr[T any](v T) *T { return &v }

// shallowCopy copies the value that a pointer points to, locks included, as a careless user may.
func shallowCopy(pointer any) any {
	return reflect.ValueOf(pointer).Elem().Interface()
}

// A userKeys is an access key source as a user writes it.
type userKeys struct{ key *codeartsbuild.AccessKey }

func (s userKeys) AccessKey(context.Context) (*codeartsbuild.AccessKey, error) { return s.key, nil }

// used has everything that took part in some calls.
type used struct {
	clients    map[string]*codeartsbuild.Client
	config     codeartsbuild.IAMConfig
	token      *codeartsbuild.Token
	function   codeartsbuild.TokenSourceFunc
	cached     *codeartsbuild.CachedTokenSource
	login      *codeartsbuild.CachedTokenSource
	keys       userKeys
	cachedKeys *codeartsbuild.CachedAccessKeySource
	response   codeartsbuild.Response
	errs       []error // the first is an *APIError
}

// usedClients makes clients with credentials of each kind call a service that repeats the whole request in
// its error.
func usedClients(t *testing.T) *used {
	t.Helper()
	service := httpfake.Listen(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		said, _ := json.Marshal(fmt.Sprint(r.Header, string(body)))
		httpfake.Handler(http.StatusForbidden, `{"error_code":"DEV.CB.1","error_msg":`+string(said)+`}`)(w, r)
	})
	iam := httpfake.Listen(t, sdktest.Granted)

	// fmt may follow a pointer of a struct that was copied into a transport that others are using. It cannot follow
	// a function.
	sockets := &http.Transport{}
	t.Cleanup(sockets.CloseIdleConnections)
	through := httpfake.Func(sockets.RoundTrip)

	u := &used{token: codeartsbuild.NewToken(sdktest.Token, time.Now().Add(time.Hour)), config: sdktest.IAMConfig(iam.URL)}
	u.function = func(context.Context) (*codeartsbuild.Token, error) { return u.token, nil }
	u.cached = codeartsbuild.NewCachedTokenSource(u.function)
	u.config.Transport = through
	u.login = sdktest.TokenSource(t, u.config)
	u.keys = userKeys{codeartsbuild.NewTemporaryAccessKey(sdktest.AccessKeyID, sdktest.SecretKey, sdktest.SecurityToken, time.Time{})}
	u.cachedKeys = codeartsbuild.NewCachedAccessKeySource(u.keys)

	endpoint := codeartsbuild.WithEndpoint(service.URL)
	u.clients = map[string]*codeartsbuild.Client{
		"a login":         sdktest.Client(t, through, endpoint, codeartsbuild.WithTokenSource(u.login)),
		"a cached source": sdktest.Client(t, through, endpoint, codeartsbuild.WithTokenSource(u.cached)),
		"a static token":  sdktest.Client(t, through, endpoint),
		"an access key":   sdktest.NewClient(t, endpoint, codeartsbuild.WithTransport(through), codeartsbuild.WithAccessKeySource(u.cachedKeys)),
	}
	for _, client := range u.clients {
		err := sdktest.Stop(t.Context(), client, codeartsbuild.WithResponseInto(&u.response))
		require.ErrorIs(t, err, codeartsbuild.ErrForbidden)
		u.errs = append(u.errs, err)
	}
	u.errs = append(u.errs, otherErrors(t, service.URL)...)
	u.errs = append(u.errs, errors.Join(u.errs...), fmt.Errorf("stopping: %w", u.errs[0]))

	// After these the refreshes that filled the caches have left them.
	for _, source := range []codeartsbuild.TokenSource{u.cached, u.login} {
		_, err := source.Token(t.Context())
		require.NoError(t, err)
	}
	_, err := u.cachedKeys.AccessKey(t.Context())
	require.NoError(t, err)
	return u
}

// otherErrors are those of a login that is rejected, of tokens that no header can carry, and of a service that
// is gone.
func otherErrors(t *testing.T, echo string) []error {
	t.Helper()
	_, login := sdktest.TokenSource(t, sdktest.IAMConfig(echo)).Token(t.Context())
	require.ErrorIs(t, login, codeartsbuild.ErrForbidden)
	_, static := codeartsbuild.NewClient(codeartsbuild.WithEndpoint(echo), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(sdktest.Token+"\n")))
	require.ErrorIs(t, static, codeartsbuild.ErrInvalidArgument)
	unsendable := codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) {
		return codeartsbuild.NewToken(sdktest.Token+"\n", time.Time{}), nil
	})
	issued := sdktest.Stop(t.Context(), sdktest.Client(t, nil, codeartsbuild.WithEndpoint(echo), codeartsbuild.WithTokenSource(unsendable)))
	require.ErrorIs(t, issued, codeartsbuild.ErrInvalidArgument)
	server := httpfake.Listen(t, sdktest.Accepted)
	server.Close()
	gone := sdktest.Stop(t.Context(), sdktest.Client(t, nil, codeartsbuild.WithEndpoint(server.URL), sdktest.Once))
	require.Error(t, gone)
	return []error{login, static, issued, gone}
}

// formats are the verbs of fmt, those that it does not know included, and flags that change them.
func formats() []string {
	var formats []string
	for verb := 'A'; verb <= 'z'; verb++ {
		if unicode.IsLetter(verb) {
			formats = append(formats, "%"+string(verb), "%+"+string(verb), "%#"+string(verb))
		}
	}
	return append(formats, "% v", "% x", "%# x", "%-300v", "%040d", "%.300s", "%+q", "%#+v")
}

func indented(v any) ([]byte, error) { return json.MarshalIndent(v, "", "  ") }

// requireHidden requires that a text has no secret in it: as it is, in hexadecimal, in decimal bytes or in
// base64.
func requireHidden(t *testing.T, how, text string) {
	t.Helper()
	if strings.Contains(text, "PANIC") {
		t.Fatalf("%s panics: %.300s", how, text)
	}
	for _, form := range secretForms() {
		if i := strings.Index(text, form); i >= 0 {
			t.Fatalf("%s shows %q: …%.200s…", how, form, text[max(0, i-100):])
		}
	}
}

// secretForms are the spellings of all secrets.
var secretForms = sync.OnceValue(func() []string {
	var forms []string
	for _, secret := range sdktest.Secrets() {
		forms = append(forms, formsOf(secret)...)
	}
	return forms
})

// formsOf are the spellings of a secret's first and last part, so that a cut one is found as well.
func formsOf(secret string) []string {
	part := secret[:12]
	forms := []string{
		part, secret[len(secret)-12:], base64.StdEncoding.EncodeToString([]byte(part)), strings.Join(strings.Split(part, ""), " "),
	}
	for _, format := range []string{"%x", "%X", "% x", "% X", "%# x", "%# X", "%d", "%o", "%b", "%c", "%q", "%U", "%#v"} {
		forms = append(forms, strings.Trim(strings.TrimPrefix(fmt.Sprintf(format, []byte(part)), "[]byte"), "[]{}"))
	}
	return forms
}

// printedError is everything that an error shows when it is printed, logged, encoded or looked into.
func printedError(err error) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %+v %#v %s %q", err, err, err, err, err)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		record := slog.NewRecord(time.Time{}, slog.LevelError, "failed", 0) // without a time, whose digits might be a code
		record.Add("error", err)
		_ = handler.Handle(context.Background(), record)
	}
	var apiErr *codeartsbuild.APIError
	if errors.As(err, &apiErr) {
		encoded, _ := json.Marshal(apiErr)
		fmt.Fprintf(&b, "%+v %s %s %s %s %s", *apiErr, apiErr.ErrorCode, apiErr.ErrorMsg, apiErr.RequestID, apiErr.Body, encoded)
	}
	return b.String()
}

type visited struct {
	at uintptr
	of reflect.Type
}

// walkStrings visits every string and byte slice that can be reached from v, except those of the transports
// of net/http: their buffers hold requests.
func walkStrings(v reflect.Value, seen map[visited]bool, visit func(string)) {
	switch v.Kind() {
	case reflect.String:
		visit(v.String())
	case reflect.Interface:
		walkStrings(v.Elem(), seen, visit)
	case reflect.Pointer:
		at := visited{v.Pointer(), v.Type()}
		if v.IsNil() || seen[at] || strings.HasPrefix(v.Type().Elem().PkgPath(), "net/http") {
			return
		}
		seen[at] = true
		walkStrings(v.Elem(), seen, visit)
	case reflect.Struct:
		for i := range v.NumField() {
			walkStrings(v.Field(i), seen, visit)
		}
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			visit(string(v.Bytes()))
			return
		}
		for i := range v.Len() {
			walkStrings(v.Index(i), seen, visit)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			walkStrings(key, seen, visit)
			walkStrings(v.MapIndex(key), seen, visit)
		}
	}
}

// B5: fmt does not look into values that hold locks, counters or secrets. It would read without the locks
// the fields that calls write.
func TestPrintingStaysOutsideSharedState(t *testing.T) {
	t.Parallel()
	client := sdktest.Client(t, nil)
	for name, v := range map[string]any{
		"client": client, "jobs": client.Jobs, "builds": client.Builds, "logs": client.Logs,
		"token cache":      sdktest.TokenSource(t, sdktest.IAMConfig("https://iam.example.com")),
		"access key cache": codeartsbuild.NewCachedAccessKeySource(sdktest.TemporaryKey(sdktest.SecurityToken)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, format := range formats() {
				if verb := format[len(format)-1]; strings.ContainsRune("pTw", rune(verb)) { // an address, a type, and not for Sprintf
					continue
				}
				require.NotRegexp(t, `0x|\[|nil`, fmt.Sprintf(format, v), format)
				require.Contains(t, fmt.Sprintf(format, v), "codeartsbuild.", format)
			}
		})
	}
}

// B5: printing reads nothing that calls write, which the race detector would see.
func TestPrintingWhileCallsRun(t *testing.T) {
	t.Parallel()
	f := sdktest.NewBuild(t)
	login := sdktest.TokenSource(t, f.IAMConfig())
	id, secret := f.AccessKey()
	keys := codeartsbuild.NewCachedAccessKeySource(codeartsbuild.StaticAccessKey(id, secret))
	client := f.Client(codeartsbuild.WithTokenSource(login), sdktest.Quick)
	use := func() {
		f.Next(sdktest.OpStop, codeartsbuildtest.Reply(http.StatusServiceUnavailable, ""))
		_, _ = client.Jobs.Stop(context.Background(), f.JobID, f.BuildNo)
		token, _ := login.Token(context.Background())
		login.Invalidate(token)
		key, _ := keys.AccessKey(context.Background())
		keys.Invalidate(key)
	}
	show := func() {
		for _, v := range []any{client, login, keys} {
			for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
				_ = fmt.Sprintf(format, v)
			}
			_, _ = json.Marshal(v)
		}
	}
	var group sync.WaitGroup
	for _, work := range []func(){use, show, use, show, use, show, use, show} {
		group.Go(func() {
			for range 20 {
				work()
			}
		})
	}
	group.Wait()
}

// B5: the context of a request has its body near, and instrumentation may print it.
func TestRequestContextShowsNoBody(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]time.Duration{"limited by the attempt": time.Hour, "limited by the caller": 9 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			printed := map[string]string{}
			cfg := sdktest.IAMConfig("https://iam.example.com")
			cfg.Transport = httpfake.Func(func(req *http.Request) (*http.Response, error) {
				for _, format := range formats() {
					printed[format] = fmt.Sprintf(format, req.Context())
				}
				printed["Sprint"] = fmt.Sprint(req.Context())
				if s, ok := req.Context().(fmt.Stringer); ok {
					printed["String"] = s.String()
				}
				return httpfake.Reply(http.StatusUnauthorized, "")(req)
			})
			_, err := sdktest.TokenSource(t, cfg).Token(ctx)
			require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
			require.NotEmpty(t, printed)
			for format, text := range printed {
				requireHidden(t, format, text)
			}
		})
	}
}
