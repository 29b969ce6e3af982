package codeartsbuild_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// unsendable are texts that must not get into a header, a path or a request line.
var unsendable = map[string]string{
	"CR": "text\rX-Evil: 1", "LF": "text\nX-Evil: 1", "CRLF": "text\r\nX-Evil: 1", "CRLF at the end": "text\r\n", "LF at the start": "\ntext",
	"NUL": "text\x00", "tab": "text\tmore", "DEL": "text\x7f", "escape": "\x1b[2J", "Latin-1": "text\xe4", "umlaut": "texä", "Chinese": "令牌",
	"wide digit": "１", "line separator": "text\u2028more", "no-break space": "text\u00a0", "right-to-left": "text\u202e",
}

// B8: a credential or header value that no header can carry is rejected before anything is sent.
func TestHeaderValueRejected(t *testing.T) {
	t.Parallel()
	type option = codeartsbuild.ClientOption
	key := func(id, token string) option {
		return codeartsbuild.WithAccessKeySource(sdktest.AccessKeySource(func(context.Context) (*codeartsbuild.AccessKey, error) {
			return codeartsbuild.NewTemporaryAccessKey(id, sdktest.SecretKey, token, time.Time{}), nil
		}))
	}
	tests := map[string]func(bad string) []option{
		"static token": func(bad string) []option {
			return []option{codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(bad))}
		},
		"token of a source": func(bad string) []option {
			return []option{codeartsbuild.WithTokenSource(codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) {
				return codeartsbuild.NewToken(bad, time.Time{}), nil
			}))}
		},
		"token of a cached source": func(bad string) []option {
			return []option{codeartsbuild.WithTokenSource(codeartsbuild.NewCachedTokenSource(codeartsbuild.StaticToken(bad)))}
		},
		"static access key": func(bad string) []option {
			return []option{codeartsbuild.WithAccessKeySource(codeartsbuild.StaticAccessKey(bad, sdktest.SecretKey))}
		},
		"access key of a source": func(bad string) []option { return []option{key(bad, "")} },
		"security token":         func(bad string) []option { return []option{key(sdktest.AccessKeyID, bad)} },
		"project id": func(bad string) []option {
			return []option{key(sdktest.AccessKeyID, ""), codeartsbuild.WithProjectID(bad)}
		},
		"user agent": func(bad string) []option {
			return []option{key(sdktest.AccessKeyID, ""), codeartsbuild.WithUserAgent(bad)}
		},
	}
	for name, options := range tests {
		for kind, bad := range unsendable {
			t.Run(name+" with "+kind, func(t *testing.T) {
				t.Parallel()
				transport := httpfake.Script(httpfake.Reply(http.StatusOK, `{"result":true}`))
				client, err := codeartsbuild.NewClient(append(options(bad), codeartsbuild.WithEndpoint(sdktest.Endpoint), codeartsbuild.WithTransport(transport))...)
				if err == nil {
					err = sdktest.Stop(t.Context(), client)
				}
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				require.NotErrorIs(t, err, codeartsbuild.ErrOutcomeUnknown)
				require.NotContains(t, err.Error(), "Evil")
				require.Zero(t, transport.Count())
			})
		}
	}
}

// B19: a token that HTTP would cut, perhaps to nothing, is rejected before anything is sent.
func TestTokenWithSpacesRejected(t *testing.T) {
	t.Parallel()
	for _, token := range []string{" ", "   ", "token ", " token"} {
		transport := httpfake.Script(httpfake.Reply(http.StatusOK, `{"result":true}`))
		issued := codeartsbuild.TokenSourceFunc(func(context.Context) (*codeartsbuild.Token, error) {
			return codeartsbuild.NewToken(token, time.Time{}), nil
		})
		err := sdktest.Stop(t.Context(), sdktest.ClientWith(t, codeartsbuild.WithTokenSource(issued), transport))
		require.Equal(t, []string{"ErrInvalidArgument"}, sdktest.Kinds(err), "%q", token)
		require.Zero(t, transport.Count())
	}
}

// B8: an id, path or region that no request can carry is rejected, and the text of the error is printable.
func TestIDOrPathWithControlCharactersRejected(t *testing.T) {
	t.Parallel()
	tests := map[string]func(ctx context.Context, c *codeartsbuild.Client, bad string) error{
		"job id": func(ctx context.Context, c *codeartsbuild.Client, bad string) error {
			_, err := c.Jobs.Stop(ctx, bad, "7")
			return err
		},
		"job id of the right length": func(ctx context.Context, c *codeartsbuild.Client, bad string) error {
			_, err := c.Builds.Get(ctx, (bad + sdktest.JobID)[:32], "7")
			return err
		},
		"build number": func(ctx context.Context, c *codeartsbuild.Client, bad string) error {
			_, err := c.Jobs.Stop(ctx, sdktest.JobID, bad)
			return err
		},
		"build number after a digit": func(ctx context.Context, c *codeartsbuild.Client, bad string) error {
			_, err := c.Builds.Get(ctx, sdktest.JobID, "7"+bad)
			return err
		},
		"path": func(ctx context.Context, c *codeartsbuild.Client, bad string) error {
			return c.Do(ctx, http.MethodGet, "/v9/"+bad, nil, nil)
		},
		"query of a path": func(ctx context.Context, c *codeartsbuild.Client, bad string) error {
			return c.Do(ctx, http.MethodGet, "/v9/anything?a="+bad, nil, nil)
		},
		"method": func(ctx context.Context, c *codeartsbuild.Client, bad string) error {
			return c.Do(ctx, bad, "/v9/anything", nil, nil)
		},
		"region": func(_ context.Context, _ *codeartsbuild.Client, bad string) error {
			_, err := codeartsbuild.NewClient(codeartsbuild.WithRegion(bad), codeartsbuild.WithTokenSource(codeartsbuild.StaticToken(sdktest.Token)))
			return err
		},
		"region of a login": func(_ context.Context, _ *codeartsbuild.Client, bad string) error {
			cfg := sdktest.IAMConfig("")
			cfg.Region = bad
			_, err := codeartsbuild.NewIAMTokenSource(cfg)
			return err
		},
	}
	for name, call := range tests {
		for kind, bad := range unsendable {
			t.Run(name+" with "+kind, func(t *testing.T) {
				t.Parallel()
				transport := httpfake.Script(httpfake.Reply(http.StatusOK, `{"result":true}`))
				err := call(t.Context(), sdktest.Client(t, transport), bad)
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				require.Equal(t, -1, strings.IndexFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }), "%q", err)
				require.Zero(t, transport.Count())
			})
		}
	}
}

// B8, B19: an access key that no header can carry is rejected, whether it is cached or not.
func TestAccessKeyHeaderValueRejected(t *testing.T) {
	t.Parallel()
	const secret = sdktest.SecretKey
	tests := map[string]*codeartsbuild.AccessKey{
		"line break in the id":             codeartsbuild.NewAccessKey("id\r\nX-Injected: 1", secret),
		"comma in the id":                  codeartsbuild.NewAccessKey("id, SignedHeaders=host", secret),
		"id is not ASCII":                  codeartsbuild.NewAccessKey("密", secret),
		"line break in the security token": codeartsbuild.NewTemporaryAccessKey("id", secret, "a\nb", time.Time{}),
		"NUL in the security token":        codeartsbuild.NewTemporaryAccessKey("id", secret, "a\x00b", time.Time{}),
	}
	for name, key := range tests {
		source := sdktest.AccessKeySource(func(context.Context) (*codeartsbuild.AccessKey, error) { return key, nil })
		for kind, source := range map[string]codeartsbuild.AccessKeySource{"uncached": source, "cached": codeartsbuild.NewCachedAccessKeySource(source)} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				transport := httpfake.Script(httpfake.Reply(http.StatusOK, `{"result":true}`))
				client := sdktest.NewClient(t, codeartsbuild.WithEndpoint(sdktest.Endpoint), codeartsbuild.WithTransport(transport), codeartsbuild.WithAccessKeySource(source))
				err := sdktest.Stop(t.Context(), client)
				require.ErrorIs(t, err, codeartsbuild.ErrInvalidArgument)
				require.NotContains(t, printedError(err), secret)
				require.Zero(t, transport.Count())
			})
		}
	}
}
