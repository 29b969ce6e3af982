package codeartsbuild_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

const keystoreID = "787dd84682aa4e78947af56277422259"

// keystoreRow is the file of the documented list.
func keystoreRow() codeartsbuild.Keystore {
	const user = "ae22fd035f354cfa8d82a3f1c8940446"
	return codeartsbuild.Keystore{
		ID: keystoreID, Name: "settings1111.xml", Share: 1, DomainID: "60021bab32fd450aa2cb89226f425e06", DomainName: "testUser",
		Permission:   codeartsbuild.KeystorePermission{KeystoreID: keystoreID, Setting: true, Delete: true, Modify: true, Usage: true},
		CreateUserID: user, CreateUserName: "testUser", CreateTime: utc(2024, 9, 23, 9, 42, 0), CreateTimeStamp: utc(2024, 9, 23, 9, 42, 34),
		UpdateUserID: user, UpdateUserName: "testUser", UpdateTime: utc(2024, 9, 23, 9, 42, 0), UpdateTimeStamp: utc(2024, 9, 23, 9, 42, 45),
	}
}

func TestKeystores(t *testing.T) {
	t.Parallel()
	const updated = "d755f4db59b94d22b8af12fa57e457ef"
	testEndpoints(t, map[string]endpointCall{
		"list": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Keystores.List(ctx, &codeartsbuild.KeystoreListOptions{Page: 3, PageSize: 10, Search: "settings"})
			},
			"GET /v2/keystore/list?page=3&page_size=10&search=settings", "", "ListKeystoreSearch.response",
			&codeartsbuild.Page[codeartsbuild.Keystore]{Items: []codeartsbuild.Keystore{keystoreRow()}, Total: 1},
		},
		"all": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return collect(c.Keystores.All(ctx, nil))
			},
			"GET /v2/keystore/list?page=1&page_size=100", "", "ListKeystoreSearch.response", []codeartsbuild.Keystore{keystoreRow()},
		},
		"list of usable files": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) { return c.Keystores.ListUsable(ctx) },
			"GET /v2/keystore/name", "", "ListKeystore.response",
			[]codeartsbuild.Keystore{{ID: "00b5bc2a6b82462388c3d43c56459bc1", Name: "android-keystore-cn-north-7.jks"}},
		},
		"list of usable files, none": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) { return c.Keystores.ListUsable(ctx) },
			"GET /v2/keystore/name", "", `{"result":null,"status":"success"}`, []codeartsbuild.Keystore(nil),
		},
		"update": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return done(c.Keystores.Update(ctx, updated, &codeartsbuild.KeystoreUpdate{Name: "file.keystore", Description: "描述文件作用"}))
			},
			"POST /v2/keystore/update/" + updated, "UpdateKeystore.request", "UpdateKeystore.response", nil,
		},
		"delete": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return done(c.Keystores.Delete(ctx, keystoreID))
			},
			"DELETE /v2/keystore/" + keystoreID + "/delete", "", "DeleteKeystore.response", nil,
		},
	})
}

func TestKeystorePermissions(t *testing.T) {
	t.Parallel()
	permissions := []codeartsbuild.KeystorePermission{
		{ID: "2b0d4c2a799011efb818fa163ed0d7fd", KeystoreID: keystoreID, UserName: "testUser", Setting: true, Delete: true, Modify: true, Usage: true, IsCreator: true},
		{ID: "7eee02907a1d11efb818fa163ed0d7fd", KeystoreID: keystoreID, UserName: "chengziyan", Delete: true, CanAbsent: true},
	}
	testEndpoints(t, map[string]endpointCall{
		"list": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Keystores.ListPermissions(ctx, keystoreID, &codeartsbuild.KeystorePermissionListOptions{Page: 2, PageSize: 5})
			},
			"GET /v2/keystore/permission/" + keystoreID + "/query?page=2&page_size=5", "", "ShowKeystorePermission.response",
			&codeartsbuild.Page[codeartsbuild.KeystorePermission]{Items: permissions, Total: 2},
		},
		"all": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return collect(c.Keystores.AllPermissions(ctx, keystoreID, nil))
			},
			"GET /v2/keystore/permission/" + keystoreID + "/query?page=1&page_size=100", "", "ShowKeystorePermission.response", permissions,
		},
		"add": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Keystores.AddPermission(ctx, &codeartsbuild.KeystorePermissionRequest{
					KeystoreID: "a427e671785a4fbf899c1a56227e90fa", UserID: "acff697b7d424422a6f5d40453655678", UserName: "chengziyan", CanAbsent: true,
				})
			},
			"POST /v2/keystore/permission/add", "AddKeystorePermission.request", "AddKeystorePermission.response", "408280cf7a1f11efb818fa163ed0d7fd",
		},
		"update": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return done(c.Keystores.UpdatePermission(ctx, &codeartsbuild.KeystorePermissionUpdate{
					ID: "6906c7d43aa711efb818fa163ed0d7fd", KeystoreID: "b1bed54ba70644c0a9b2b742eb060abe", UserName: "codeci_participant", Modify: true, CanAbsent: true,
				}))
			},
			"POST /v2/keystore/permission/edit", `{"can_absent":true,"delete":false,"id":"6906c7d43aa711efb818fa163ed0d7fd",
				"keystore_id":"b1bed54ba70644c0a9b2b742eb060abe","modify":true,"usage":false,"user_name":"codeci_participant"}`,
			`{"status":"success","error":null,"result":null}`, nil,
		},
		"delete": {
			func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return done(c.Keystores.DeletePermission(ctx, "2b0d4c2a799011efb818fa163ed0d7fd"))
			},
			"DELETE /v2/keystore/permission/2b0d4c2a799011efb818fa163ed0d7fd/delete", "", "DeleteKeystorePermission.response", nil,
		},
	})
}

func TestKeystoresRejected(t *testing.T) {
	t.Parallel()
	testRejected(t, map[string]func(context.Context, *codeartsbuild.Client) error{
		"delete of no file": func(ctx context.Context, c *codeartsbuild.Client) error { return c.Keystores.Delete(ctx, "") },
		"delete of another path": func(ctx context.Context, c *codeartsbuild.Client) error {
			return c.Keystores.Delete(ctx, strings.Repeat("/", 32))
		},
		"delete of no permission": func(ctx context.Context, c *codeartsbuild.Client) error { return c.Keystores.DeletePermission(ctx, "") },
		"update of no file":       func(ctx context.Context, c *codeartsbuild.Client) error { return c.Keystores.Update(ctx, "", nil) },
		"permissions of no file": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Keystores.ListPermissions(ctx, "", nil)
			return err
		},
		"permissions of a big page": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Keystores.ListPermissions(ctx, keystoreID, &codeartsbuild.KeystorePermissionListOptions{PageSize: 101})
			return err
		},
	})
}

const privateKey = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"

// B125: A file is documented as JSON, and comes as what it is.
func TestKeystoreDownload(t *testing.T) {
	t.Parallel()
	const secret = `{"password":"hunter2hunter2"`
	tests := map[string]struct {
		contentType, body string
		want              []string // nil: it is the file
	}{
		"a file":                       {"application/octet-stream", privateKey, nil},
		"a file that is called JSON":   {"application/json;charset=UTF-8", privateKey, nil},
		"settings that are called XML": {"text/xml", "<settings/>", nil},
		"settings called JSON":         {"Application/JSON", "<settings/>", nil},
		"bytes":                        {"application/json", "\xfe\xed\xfe\xed\x00", nil},
		"an error":                     {"application/json", `{"error_code":"CB.00060203","error_msg":"invalid file name"}`, []string{"ErrBadRequest"}},
		"an error behind white space":  {"application/json", "\n " + `{"error_code":"CB.00060203","error_msg":"invalid file name"}`, []string{"ErrBadRequest"}},
		"an error as a text":           {"application/json", `"{\"error_code\":\"CB.00060203\",\"error_msg\":\"invalid file name\"}"`, []string{"ErrBadRequest"}},
		"no file":                      {"application/json", `{"result":null,"status":"success"}`, []string{"ErrUnexpectedResponse"}},
		"nothing":                      {"application/json", "", []string{"ErrUnexpectedResponse"}},
		"a page of a proxy":            {"text/html", "<html>" + secret, []string{"ErrUnexpectedResponse"}},
		"half of an object":            {"application/json", secret, []string{"ErrUnexpectedResponse"}},
		"a list":                       {"application/json", `[` + secret + `}]`, []string{"ErrUnexpectedResponse"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(http.StatusOK, tt.body, "Content-Type", tt.contentType))
			file, err := sdktest.Client(t, transport, sdktest.Once).Keystores.Download(t.Context(),
				&codeartsbuild.KeystoreDownload{ID: keystoreID, Name: "a b.jks", DomainID: "60021bab32fd450aa2cb89226f425e06"})
			require.Equal(t, "/v2/keystore/download?domain_id=60021bab32fd450aa2cb89226f425e06&id="+keystoreID+"&name=a+b.jks",
				transport.Requests()[0].URL.RequestURI())
			if tt.want != nil {
				require.Nil(t, file)
				require.Equal(t, tt.want, sdktest.Kinds(err))
				require.NotContains(t, fmt.Sprintf("%v %+v %s", err, err, sdktest.APIError(t, err).Body), "hunter2", "a file is secret")
				return
			}
			require.NoError(t, err)
			got, err := io.ReadAll(file)
			require.NoError(t, err)
			require.NoError(t, file.Close())
			require.Equal(t, tt.body, string(got))
		})
	}
}

// The body is handed over unread.
func TestKeystoreDownloadStreams(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"application/json", "application/octet-stream"} {
		body, sent := io.Pipe()
		opened := make(chan struct{})
		transport := httpfake.Func(func(req *http.Request) (*http.Response, error) {
			go func() {
				_, _ = io.WriteString(sent, "-")
				<-opened
				_, _ = io.WriteString(sent, "rest")
				_ = sent.Close()
			}()
			return httpfake.Stream(http.StatusOK, body, "Content-Type", contentType)(req)
		})
		file, err := sdktest.Client(t, transport).Keystores.Download(t.Context(), &codeartsbuild.KeystoreDownload{})
		require.NoError(t, err)
		close(opened)
		got, err := io.ReadAll(file)
		require.NoError(t, err)
		require.Equal(t, "-rest", string(got))
	}
}

// B125: Neither records nor a printed request show the file.
func TestKeystoreIsNotLogged(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var printed string
	transport := httpfake.Func(func(req *http.Request) (*http.Response, error) {
		printed = fmt.Sprintf("%v %+v %#v", req.Context(), req.Context(), req.Context())
		return httpfake.Reply(500, `{"error_code":"CB.00060101","error_msg":"internal"}`)(req)
	})
	in := &codeartsbuild.KeystoreUpload{Name: "a.pem", File: strings.NewReader(privateKey), Description: "for releases"}
	_, err := sdktest.Client(t, transport, codeartsbuild.WithLogger(logger)).Keystores.Upload(t.Context(), in)
	require.Error(t, err)
	require.Contains(t, log.String(), "UploadKeystore")
	for _, text := range []string{log.String(), printed, fmt.Sprintf("%v %+v", err, err), fmt.Sprintf("%v %+v", in, in)} {
		require.NotContains(t, text, "MIIEvQ")
	}
}

// A client uploads a keystore, and says who may use it.
func ExampleKeystoresService_Upload() {
	client, err := codeartsbuild.NewClient(
		codeartsbuild.WithRegion("cn-north-4"), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken("token")),
		codeartsbuild.WithTransport(httpfake.Reply(http.StatusOK, `{"result":{"keystore_id":"bc34909aa9e642c3982b26076fb92342"},"status":"success"}`)), // in place of the cloud
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	file := strings.NewReader("…") // such as an *os.File
	uploaded, err := client.Keystores.Upload(context.Background(), &codeartsbuild.KeystoreUpload{
		Name: "release.jks", File: file, Privacy: true, Description: "signs releases",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(uploaded.ID)
	// Output: bc34909aa9e642c3982b26076fb92342
}
