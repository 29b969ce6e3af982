package codeartsbuild_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B14: a login is retried when that may help and cannot lock the user.
func TestLoginRetries(t *testing.T) {
	t.Parallel()
	keystone := func(status int) string {
		return fmt.Sprintf(`{"error":{"code":%d,"message":"…","title":%q}}`, status, http.StatusText(status))
	}
	retried := map[string]httpfake.Func{
		"429":                     httpfake.Reply(429, `{"error_code":"APIGW.0308","error_msg":"…"}`),
		"429 of Keystone's":       httpfake.Reply(429, keystone(429)),
		"500, empty":              httpfake.Reply(500, ``),
		"500 of Keystone's":       httpfake.Reply(500, keystone(500)),
		"500 of IAM's":            httpfake.Reply(500, `{"error_code":"IAM.0001","error_msg":"…"}`),
		"502 of a proxy":          httpfake.Reply(502, `<html><title>502 Bad Gateway</title></html>`),
		"502 of Keystone's":       httpfake.Reply(502, keystone(502)),
		"503 of Keystone's":       httpfake.Reply(503, keystone(503)),
		"504":                     httpfake.Reply(504, ``),
		"504 of the gateway's":    httpfake.Reply(504, `{"error_code":"APIGW.0201","error_msg":"…"}`),
		"connection refused":      httpfake.Refused,
		"response lost":           httpfake.Fail(io.ErrUnexpectedEOF),
		"connection reset":        httpfake.Fail(&net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}),
		"response cut off":        httpfake.Cut(201, `{"token":{`, "X-Subject-Token", loginToken),
		"no response within 10 s": httpfake.Stuck,
		"503 with Retry-After":    httpfake.Reply(503, ``, "Retry-After", "7"),
	}
	for name, fault := range retried {
		t.Run("retried: "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := httpfake.Script(fault, fault, granted)
				token, err := sdktest.TokenSource(t, loginConfig(transport)).Token(t.Context())
				require.NoError(t, err)
				require.Equal(t, loginToken, token.Value())
				sent := transport.Requests()
				require.Len(t, sent, 3)
				require.NotEmpty(t, sent[2].Body)
				for _, r := range sent[:2] {
					if name != "connection refused" { // which reads nothing
						require.Equal(t, sent[2].Body, r.Body, "every attempt carries the whole body") // B29
					}
				}
			})
		})
		t.Run("given up in the end: "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := httpfake.Script(fault)
				token, err := sdktest.TokenSource(t, loginConfig(transport)).Token(t.Context())
				requireLoginError(t, token, err, loginPassword)
				require.Equal(t, 5, transport.Count())
			})
		})
	}
	final := map[string]httpfake.Func{
		"401 of Keystone's":    httpfake.Reply(401, keystone(401)),
		"401, empty":           httpfake.Reply(401, ``),
		"401 of IAM's":         httpfake.Reply(401, `{"error_code":"APIGW.0307","error_msg":"…"}`),
		"401, try again later": httpfake.Reply(401, keystone(401), "Retry-After", "1"),
		"401 with a page":      httpfake.Reply(401, `<html></html>`),
		"403":                  httpfake.Reply(403, keystone(403)),
		"403, empty":           httpfake.Reply(403, ``, "Retry-After", "1"),
		"400":                  httpfake.Reply(400, keystone(400)),
		"404":                  httpfake.Reply(404, `<html></html>`),
		"405":                  httpfake.Reply(405, `{"message":"…"}`),
		"413":                  httpfake.Reply(413, `{"code":"413 Request Entity Too Large","message":"…"}`),
		"300":                  httpfake.Reply(300, `{"versions":{}}`, "Location", "https://iam.example.com/v3/"),
		"301":                  httpfake.Reply(301, ``, "Location", "https://iam.example.com/v3/auth/tokens"),
		"302":                  httpfake.Reply(302, `{}`, "Location", "https://login.example.com/"),
		"303":                  httpfake.Reply(303, ``, "Location", "/"),
		"307":                  httpfake.Reply(307, ``, "Location", "https://iam2.example.com/v3/auth/tokens?password=1"),
		"308":                  httpfake.Reply(308, ``, "Location", "http://iam.example.com/v3/auth/tokens"),
	}
	for name, response := range final {
		t.Run("final: "+name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(response)
			token, err := sdktest.TokenSource(t, loginConfig(transport)).Token(t.Context())
			requireLoginAPIError(t, token, err, loginPassword, "?password")
			require.Equal(t, 1, transport.Count())
		})
	}
}

// B14, B115: a rejected login is the error of all who wait for it, and of them only.
func TestRejectedLoginReachesEveryWaiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slowly := func(req *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return httpfake.Reply(401, `{"error":{"code":401,"message":"…","title":"Unauthorized"}}`)(req)
		}
		transport := httpfake.Script(slowly, granted)
		source := sdktest.TokenSource(t, loginConfig(transport))
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				var apiErr *codeartsbuild.APIError
				if _, err := source.Token(t.Context()); !errors.As(err, &apiErr) || apiErr.ErrorCode != "401" || !errors.Is(err, codeartsbuild.ErrUnauthorized) {
					t.Errorf("a waiter got %v", err)
				}
			})
		}
		group.Wait()
		require.Equal(t, 1, transport.Count())
		time.Sleep(time.Minute) // before that the same password is not tried again
		_, err := source.Token(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, transport.Count())
	})
}

// An attempt of a login may take 10 s, even if the caller allows more.
func TestLoginAttemptTakesAtMostTenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := httpfake.Script(httpfake.Stuck, granted)
		_, err := sdktest.TokenSource(t, loginConfig(transport)).Token(t.Context())
		require.NoError(t, err)
		sent := transport.Requests()
		pause := sent[1].At.Sub(sent[0].At) - 10*time.Second
		require.Positive(t, pause)
		require.LessOrEqual(t, pause, time.Second)
	})
}

// B15: a token whose end cannot be read is used until it is rejected.
func TestTokenWithUnreadableEnd(t *testing.T) {
	t.Parallel()
	for name, expires := range map[string]string{
		"missing": ``, "null": `null`, "empty": `""`, "text": `"tomorrow"`, "cut": `"2026-11-25T"`, "object": `{"at":1}`, "array": `[]`, "bool": `true`,
		"negative": `-1`, "huge": `99999999999999999999999`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				transport := httpfake.Script(func(req *http.Request) (*http.Response, error) {
					return loginSuccess(keystoneTime(time.Now()), expires)(req)
				})
				source := sdktest.TokenSource(t, loginConfig(transport))
				token, err := source.Token(t.Context())
				require.NoError(t, err)
				require.Equal(t, loginToken, token.Value())
				require.Zero(t, token.ExpiresAt())
				for range 10 {
					time.Sleep(24 * time.Hour)
					_, err := source.Token(t.Context())
					require.NoError(t, err)
				}
				require.Equal(t, 1, transport.Count())
				source.Invalidate(token)
				_, err = source.Token(t.Context())
				require.NoError(t, err)
				require.Equal(t, 2, transport.Count())
			})
		})
	}
}

// B16: responses without a token.
func TestLoginWithoutToken(t *testing.T) {
	t.Parallel()
	const body = `{"token":{"project":{"id":"` + loginProject + `"}}}`
	unexpected := codeartsbuild.ErrUnexpectedResponse
	tests := map[string]struct {
		status      int
		body, token string
		location    string
		want        error
	}{
		"201 without X-Subject-Token":         {status: 201, body: body, want: unexpected},
		"200 without X-Subject-Token":         {status: 200, body: body, want: unexpected},
		"200 with an empty object":            {status: 200, body: `{}`, want: unexpected},
		"200 with an empty object and header": {status: 200, body: `{}`, token: loginToken, want: unexpected},
		"201 with HTML":                       {status: 201, body: `<html><title>Welcome</title></html>`, token: loginToken, want: unexpected},
		"200 with HTML":                       {status: 200, body: `<html><title>Log in</title></html>`, want: unexpected},
		"200 with text":                       {status: 200, body: `OK`, token: loginToken, want: unexpected},
		"201 with an empty body":              {status: 201, token: loginToken, want: unexpected},
		"200 with an empty body":              {status: 200, want: unexpected},
		"204":                                 {status: 204, token: loginToken, want: unexpected},
		"201 with null":                       {status: 201, body: `null`, token: loginToken, want: unexpected},
		"201 with an array":                   {status: 201, body: `[]`, token: loginToken, want: unexpected},
		"201 with a string":                   {status: 201, body: `"token"`, token: loginToken, want: unexpected},
		"201 with a number":                   {status: 201, body: `201`, token: loginToken, want: unexpected},
		"201 with a token that is null":       {status: 201, body: `{"token":null}`, token: loginToken, want: unexpected},
		"201 with a token that is a string":   {status: 201, body: `{"token":"gAAAAAB"}`, token: loginToken, want: unexpected},
		"201 with a token that is an array":   {status: 201, body: `{"token":[]}`, token: loginToken, want: unexpected},
		"201 with half a body":                {status: 201, body: body[:20], token: loginToken, want: unexpected},
		"201 with garbage after it":           {status: 201, body: body + `}`, token: loginToken, want: unexpected},
		"201 with a line break in the token":  {status: 201, body: body, token: "gAAAAAB\r\nX-Injected: 1", want: unexpected},
		"201 with a token that is not ASCII":  {status: 201, body: body, token: "gAAAAAB密", want: unexpected},
		"201 with NUL in the token":           {status: 201, body: body, token: "gAAAAAB\x00", want: unexpected},
		"300 of Keystone's root":              {status: 300, body: `{"versions":{"values":[]}}`, location: "http://iam.example.com/v3/", want: unexpected},
		"300 with a token":                    {status: 300, body: body, token: loginToken, want: unexpected},
		"302 with an empty body":              {status: 302, location: "https://login.example.com/", want: unexpected}, // B2, B3
		"304":                                 {status: 304, token: loginToken, want: unexpected},
		"200 with an error in it":             {status: 200, body: `{"error":{"code":401,"message":"no","title":"Unauthorized"}}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var header []string
				if tt.token != "" {
					header = append(header, "X-Subject-Token", tt.token)
				}
				if tt.location != "" {
					header = append(header, "Location", tt.location)
				}
				transport := httpfake.Script(httpfake.Reply(tt.status, tt.body, header...))
				token, err := sdktest.TokenSource(t, loginConfig(transport)).Token(t.Context())
				apiErr := requireLoginAPIError(t, token, err, loginPassword, loginToken)
				require.Equal(t, tt.status, apiErr.StatusCode)
				if tt.want != nil {
					require.ErrorIs(t, err, tt.want)
				}
				require.Equal(t, "POST https://iam.example.com/v3/auth/tokens?nocatalog=true", transport.Requests()[0].Method+" "+transport.Requests()[0].URL.String())
				calls := transport.Count()
				require.LessOrEqual(t, calls, 5)
				if tt.status >= 300 {
					require.Equal(t, 1, calls)
				}
			})
		})
	}
}

// B17: a token without a project is ErrNotProjectScoped, for the caller of an operation too.
func TestTokenWithoutProject(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"domain-scoped":         `{"token":{"domain":{"id":"c96558ac66cd4d8586cb8a68bd3e9739"},"roles":[],"catalog":[]}}`,
		"unscoped":              `{"token":{"methods":["password"],"expires_at":"2026-11-25T11:36:55.000000Z"}}`,
		"project is null":       `{"token":{"project":null}}`,
		"project is empty":      `{"token":{"project":{}}}`,
		"project has no id":     `{"token":{"project":{"name":"eu-west-101"}}}`,
		"project has a null id": `{"token":{"project":{"id":null}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(201, body, "X-Subject-Token", loginToken, "X-Iam-Trace-Id", "trace-1"))
			source := sdktest.TokenSource(t, loginConfig(transport))
			token, err := source.Token(t.Context())
			apiErr := requireLoginAPIError(t, token, err, loginPassword, loginToken)
			requireKind(t, err, codeartsbuild.ErrNotProjectScoped)
			require.Equal(t, 201, apiErr.StatusCode)
			require.Equal(t, "trace-1", apiErr.RequestID)
			require.Equal(t, 1, transport.Count())

			f := sdktest.NewService(t)
			err = sdktest.Stop(t.Context(), f.Client(codeartsbuild.WithTokenSource(source)))
			requireLoginAPIError(t, nil, err, loginPassword, loginToken)
			requireKind(t, err, codeartsbuild.ErrNotProjectScoped)
			require.Empty(t, f.Requests(), "nothing is sent to the service")
		})
	}
}

// B17: the request of a login. A user or project that is given by name comes with its account.
func TestLoginRequest(t *testing.T) {
	t.Parallel()
	const (
		domainName = `"domain":{"name":"acme"}`
		domainID   = `"domain":{"id":"c96558ac66cd4d8586cb8a68bd3e9739"}`
		secret     = `"password":"` + loginPassword + `"`
	)
	password := func(user string) string {
		return `"methods":["password"],"password":{"user":{` + user + `,` + secret + `}}`
	}
	tests := map[string]struct {
		change          func(cfg *codeartsbuild.IAMConfig)
		identity, scope string
	}{
		"by names": {
			func(*codeartsbuild.IAMConfig) {},
			password(`"name":"builder",` + domainName), `{"project":{"name":"eu-west-101",` + domainName + `}}`,
		},
		"account by id": {
			func(cfg *codeartsbuild.IAMConfig) {
				cfg.DomainName, cfg.DomainID = "", "c96558ac66cd4d8586cb8a68bd3e9739"
			},
			password(`"name":"builder",` + domainID), `{"project":{"name":"eu-west-101",` + domainID + `}}`,
		},
		"user by id": {
			func(cfg *codeartsbuild.IAMConfig) { cfg.UserName, cfg.UserID = "", "u1" },
			password(`"id":"u1"`), `{"project":{"name":"eu-west-101",` + domainName + `}}`,
		},
		"project by id": {
			func(cfg *codeartsbuild.IAMConfig) { cfg.ProjectName, cfg.ProjectID = "", loginProject },
			password(`"name":"builder",` + domainName), `{"project":{"id":"` + loginProject + `"}}`,
		},
		"all by id, without an account": {
			func(cfg *codeartsbuild.IAMConfig) {
				cfg.DomainName, cfg.UserName, cfg.UserID, cfg.ProjectName, cfg.ProjectID = "", "", "u1", "", loginProject
			},
			password(`"id":"u1"`), `{"project":{"id":"` + loginProject + `"}}`,
		},
		"project of the region": {
			func(cfg *codeartsbuild.IAMConfig) { cfg.Region, cfg.ProjectName = "cn-north-4", "" },
			password(`"name":"builder",` + domainName), `{"project":{"name":"cn-north-4",` + domainName + `}}`,
		},
		"project other than the region": {
			func(cfg *codeartsbuild.IAMConfig) { cfg.Region, cfg.ProjectName = "cn-north-4", "cn-north-4_team" },
			password(`"name":"builder",` + domainName), `{"project":{"name":"cn-north-4_team",` + domainName + `}}`,
		},
		"second factor, user by name": {
			func(cfg *codeartsbuild.IAMConfig) { cfg.Passcode = codeartsbuild.StaticSecret(loginPasscode) },
			`"methods":["password","totp"],"password":{"user":{"name":"builder",` + domainName + `,` + secret + `}},` +
				`"totp":{"user":{"name":"builder",` + domainName + `,"passcode":"` + loginPasscode + `"}}`,
			`{"project":{"name":"eu-west-101",` + domainName + `}}`,
		},
		"second factor, user by id": {
			func(cfg *codeartsbuild.IAMConfig) {
				cfg.UserName, cfg.UserID, cfg.Passcode = "", "u1", codeartsbuild.StaticSecret(loginPasscode)
			},
			`"methods":["password","totp"],"password":{"user":{"id":"u1",` + secret + `}},"totp":{"user":{"id":"u1","passcode":"` + loginPasscode + `"}}`,
			`{"project":{"name":"eu-west-101",` + domainName + `}}`,
		},
		"any Unicode": {
			func(cfg *codeartsbuild.IAMConfig) {
				cfg.UserName, cfg.Password = "строитель 构建", codeartsbuild.StaticSecret("пароль-密码-🔑 \"q\" \\ / & <ü>\u2028é")
			},
			`"methods":["password"],"password":{"user":{"name":"строитель 构建",` + domainName + `,"password":"пароль-密码-🔑 \"q\" \\ / & <ü>\u2028é"}}`,
			`{"project":{"name":"eu-west-101",` + domainName + `}}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(granted)
			cfg := loginConfig(transport)
			tt.change(&cfg)
			_, err := sdktest.TokenSource(t, cfg).Token(t.Context())
			require.NoError(t, err)
			sent := transport.Requests()
			require.Len(t, sent, 1)
			require.JSONEq(t, `{"auth":{"identity":{`+tt.identity+`},"scope":`+tt.scope+`}}`, sent[0].Body)
			require.Equal(t, http.MethodPost, sent[0].Method)
			require.Equal(t, "https://iam.example.com/v3/auth/tokens?nocatalog=true", sent[0].URL.String())
			require.Equal(t, sdktest.OpLogin, codeartsbuild.OperationFromContext(sent[0].Context()))
			require.Equal(t, "application/json", sent[0].Header.Get("Content-Type"))
			for _, name := range []string{"X-Auth-Token", "Authorization", "Cookie"} {
				require.Empty(t, sent[0].Header.Get(name))
			}
		})
	}
}

// B18: the forms of an error of a login.
func TestLoginErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status        int
		body          string
		code, message string
		kind          error
	}{
		"Keystone: numeric code":             {status: 401, body: `{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}`, code: "401", message: "The request you have made requires authentication.", kind: codeartsbuild.ErrUnauthorized},
		"Keystone: 403":                      {status: 403, body: `{"error":{"code":403,"message":"You are not authorized.","title":"Forbidden"}}`, code: "403", message: "You are not authorized.", kind: codeartsbuild.ErrForbidden},
		"Keystone: 404":                      {status: 404, body: `{"error":{"code":404,"message":"Could not find it.","title":"Not Found"}}`, code: "404", message: "Could not find it.", kind: codeartsbuild.ErrNotFound},
		"Keystone: 400, title only":          {status: 400, body: `{"error":{"code":400,"message":"On instance: {'password': …}","title":"Bad Request"}}`, code: "400", message: "Bad Request", kind: codeartsbuild.ErrBadRequest},
		"Keystone: code with text":           {status: 413, body: `{"message":"Too large.<br /><br />\n\n\n","code":"413 Request Entity Too Large","title":"Request Entity Too Large"}`, code: "413 Request Entity Too Large", message: "Request Entity Too Large"},
		"message alone":                      {status: 404, body: `{"message":"nothing here"}`, message: "nothing here", kind: codeartsbuild.ErrNotFound},
		"message alone, which might quote":   {status: 405, body: `{"message":"The method is not allowed for the requested URL."}`},
		"IAM: error_code":                    {status: 401, body: `{"error_code":"IAM.0011","error_msg":"Password is incorrect"}`, code: "IAM.0011", message: "Password is incorrect", kind: codeartsbuild.ErrUnauthorized},
		"IAM: bare number as text":           {status: 401, body: `{"error_code":"1101","error_msg":"The user name or password is wrong"}`, code: "1101", message: "The user name or password is wrong", kind: codeartsbuild.ErrUnauthorized},
		"IAM: bare number":                   {status: 403, body: `{"error_code":1107,"error_msg":"not allowed"}`, code: "1107", message: "not allowed", kind: codeartsbuild.ErrForbidden},
		"gateway":                            {status: 401, body: `{"error_msg":"Incorrect IAM authentication information","error_code":"APIGW.0301","request_id":"1"}`, code: "APIGW.0301", message: "Incorrect IAM authentication information", kind: codeartsbuild.ErrUnauthorized},
		"gateway: no such API":               {status: 404, body: `{"error_msg":"The API does not exist","error_code":"APIG.0101"}`, code: "APIG.0101", message: "The API does not exist", kind: codeartsbuild.ErrAPIRetired},
		"gateway: too large":                 {status: 413, body: `{"error_msg":"Request entity too large","error_code":"APIG.0201"}`, code: "APIG.0201"},
		"another cloud: error only":          {status: 401, body: `{"error": {"message": "Unauthorized.", "code": 401, "title": "Unauthorized"}}`, code: "401", message: "Unauthorized.", kind: codeartsbuild.ErrUnauthorized},
		"a one-time code is wanted":          {status: 401, body: `{"receipt":{"methods":["password"]},"required_auth_methods":[["totp","password"]]}`, code: "401", message: "a one-time code is needed as well: set IAMConfig.Passcode", kind: codeartsbuild.ErrUnauthorized},
		"a one-time code is wanted, no more": {status: 401, body: `{"receipt":{}}`, code: "401", message: "a one-time code is needed as well: set IAMConfig.Passcode", kind: codeartsbuild.ErrUnauthorized},
		"empty":                              {status: 401, kind: codeartsbuild.ErrUnauthorized},
		"a page":                             {status: 404, body: `<!doctype html><title>404 Not Found</title><h1>Not Found</h1>`, message: "404 Not Found", kind: codeartsbuild.ErrNotFound},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(tt.status, tt.body, "Openstack-Auth-Receipt", loginToken, "X-Openstack-Request-Id", "req-1"))
			token, err := sdktest.TokenSource(t, loginConfig(transport)).Token(t.Context())
			apiErr := requireLoginAPIError(t, token, err, loginPassword, loginToken)
			require.Equal(t, tt.status, apiErr.StatusCode)
			require.Equal(t, tt.code, apiErr.ErrorCode)
			require.Equal(t, tt.message, apiErr.ErrorMsg)
			require.Equal(t, "req-1", apiErr.RequestID)
			requireKind(t, err, tt.kind)
			require.Equal(t, 1, transport.Count())
		})
	}
}

// B18: a rejected login is the error of the call, and the service gets no request.
func TestCallWithRejectedLogin(t *testing.T) {
	t.Parallel()
	f := sdktest.NewService(t)
	cfg := f.IAMConfig()
	cfg.Password = codeartsbuild.StaticSecret("n0t-the-password")
	err := sdktest.Stop(t.Context(), f.Client(codeartsbuild.WithTokenSource(sdktest.TokenSource(t, cfg))))
	apiErr := requireLoginAPIError(t, nil, err, "n0t-the-password")
	require.Equal(t, 401, apiErr.StatusCode)
	require.Equal(t, "401", apiErr.ErrorCode)
	requireKind(t, err, codeartsbuild.ErrUnauthorized)
	require.Len(t, f.Requests(), 1, "one login, and nothing else")
}

// B18: a one-time code.
func TestLoginPasscode(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		passcode codeartsbuild.SecretFunc
		ok       bool
		text     string
	}{
		"right":   {passcode: codeartsbuild.StaticSecret("083585"), ok: true},
		"wrong":   {passcode: codeartsbuild.StaticSecret("0000-wrong"), text: "requires authentication"},
		"missing": {text: "one-time code"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := sdktest.NewService(t).IAMConfig()
			cfg.UserName, cfg.Passcode = "builder-mfa", tt.passcode
			token, err := sdktest.TokenSource(t, cfg).Token(t.Context())
			if tt.ok {
				require.NoError(t, err)
				require.NotEmpty(t, token.Value())
				return
			}
			apiErr := requireLoginAPIError(t, token, err, "0000-wrong")
			require.Equal(t, "401", apiErr.ErrorCode)
			require.ErrorIs(t, err, codeartsbuild.ErrUnauthorized)
			require.ErrorContains(t, err, tt.text)
		})
	}
}

// B20: the clock of IAM need not agree with the local one: only the difference of IAM's own times counts.
func TestTokenLifetimeWithWrongClock(t *testing.T) {
	t.Parallel()
	for name, skew := range map[string]time.Duration{
		"right": 0, "an hour ahead": -time.Hour, "an hour behind": time.Hour, "a day ahead": -24 * time.Hour, "26 years behind": 26 * 365 * 24 * time.Hour,
	} {
		for _, lifetime := range []time.Duration{24 * time.Hour, 30 * time.Minute} {
			t.Run(fmt.Sprintf("%s, token of %v", name, lifetime), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					transport := httpfake.Script(func(req *http.Request) (*http.Response, error) {
						now := time.Now().Add(skew)
						return loginSuccess(keystoneTime(now), keystoneTime(now.Add(lifetime)))(req)
					})
					source := sdktest.TokenSource(t, loginConfig(transport))
					started := time.Now()
					first, err := source.Token(t.Context())
					require.NoError(t, err)
					require.Equal(t, started.Add(skew+lifetime).UTC(), first.ExpiresAt().UTC(), "by the issuer's clock")
					window := min(lifetime/10, 10*time.Minute)
					time.Sleep(lifetime - window - time.Second)
					again, err := source.Token(t.Context())
					require.NoError(t, err)
					require.Same(t, first, again)
					require.Equal(t, 1, transport.Count(), "logins before the token has to be renewed")
					time.Sleep(window)
					renewed, err := source.Token(t.Context())
					require.NoError(t, err)
					require.NotSame(t, first, renewed)
					require.Equal(t, 2, transport.Count())
				})
			})
		}
	}
}

// B20: the lifetime counts from receipt. After a slow response the token is used too long rather than thrown
// away, and a 401 renews it then.
func TestTokenLifetimeFromReceipt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issued := time.Now()
		transport := httpfake.Script(func(req *http.Request) (*http.Response, error) {
			time.Sleep(8 * time.Second)
			return loginSuccess(keystoneTime(issued), keystoneTime(issued.Add(time.Hour)))(req)
		})
		source := sdktest.TokenSource(t, loginConfig(transport))
		_, err := source.Token(t.Context())
		require.NoError(t, err)
		time.Sleep(54*time.Minute - time.Second) // 8 s more than would be left by the wall clock
		_, err = source.Token(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, transport.Count())
	})
}

func TestIAMClosesIdleConnections(t *testing.T) {
	t.Parallel()
	closer := &closingTransport{Func: granted}
	sdktest.TokenSource(t, loginConfig(closer)).CloseIdleConnections()
	require.Equal(t, 1, closer.closed)
}

type closingTransport struct {
	httpfake.Func
	closed int
}

func (c *closingTransport) CloseIdleConnections() { c.closed++ }
