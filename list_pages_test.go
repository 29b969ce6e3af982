package codeartsbuild_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

// B54: a page and a page size must be within their limits.
func TestListPageRejected(t *testing.T) {
	t.Parallel()
	for _, options := range []codeartsbuild.JobListOptions{{Page: -1}, {PageSize: -1}, {PageSize: 101}} {
		t.Run(fmt.Sprintf("page %d of size %d", options.Page, options.PageSize), func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(200, `{"result":{}}`))
			_, err := sdktest.Client(t, transport).Jobs.List(t.Context(), sdktest.JobID, &options)
			requireRejected(t, err, transport)
		})
	}
}

// B54: pages count from 1 for the caller and from 0 for the service. A page without rows and total is empty.
func TestListPageParameters(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		page, size int
		want       string
	}{
		"defaults": {0, 0, "page_index=0&page_size=100"},
		"first":    {1, 1, "page_index=0&page_size=1"},
		"largest":  {9, 100, "page_index=8&page_size=100"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := httpfake.Script(httpfake.Reply(200, `{"result":{}}`))
			page, err := sdktest.Client(t, transport).Jobs.List(t.Context(), sdktest.JobID, &codeartsbuild.JobListOptions{Page: tt.page, PageSize: tt.size})
			require.NoError(t, err)
			require.Equal(t, &codeartsbuild.Page[codeartsbuild.Job]{Total: -1}, page)
			require.Equal(t, tt.want, transport.Requests()[0].URL.RawQuery)
		})
	}
}
