package codeartsbuild_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/internal/httpfake"
	"github.com/codeartsbuild-go/codeartsbuild/internal/sdktest"
)

func TestAccountAsDocumented(t *testing.T) {
	t.Parallel()
	testDocumentedCalls(t, map[string]documentedCall{
		"ShowUserChargeType": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Account.ChargeType(ctx)
			},
			request: "GET /v1/domain/charge-type",
			reply: `{"result":{"type":"basic","charge_type":"period","main_resource_list":[` +
				`{"status":"normal","service_type":"s","resource_type":"r","resource_spec_code":"c"}]},"error":null,"status":"success"}`,
			want: &codeartsbuild.AccountChargeType{
				Type: "basic", ChargeType: "period",
				Resources: []codeartsbuild.AccountResource{{Status: "normal", ServiceType: "s", ResourceType: "r", SpecCode: "c"}},
			},
		},
		"ShowSummaryBuildJobInfo": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Account.Summary(ctx)
			},
			request: "GET /v1/domain/job-summary",
			want:    &codeartsbuild.AccountSummary{SuccessPercent: 56, Builds: 167187, Jobs: 5, Versions: "0"},
		},
		"ShowUserOverPackageQuota": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Account.Quota(ctx, documentedProject)
			},
			request: "GET /v1/domain/package/quota?project_id=" + documentedProject,
			want:    &codeartsbuild.AccountQuota{Quota: "unlimit"},
		},
		"ShowUserOverPackageQuota used up": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Account.Quota(ctx, documentedProject)
			},
			request: "GET /v1/domain/package/quota?project_id=" + documentedProject,
			reply:   `{"result":{"is_over_quota":true,"build_quota":1800,"used_quota":1801},"status":"success"}`,
			want:    &codeartsbuild.AccountQuota{Exceeded: true, Quota: "1800", Used: "1801"},
		},
		"ShowDomainStatus": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Account.Status(ctx)
			},
			request: "GET /v1/domain/status",
			want:    &codeartsbuild.AccountStatus{State: codeartsbuild.AccountNormal},
		},
		"ShowDomainStatus as numbers with a fraction": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Account.Status(ctx)
			},
			request: "GET /v1/domain/status",
			reply:   `{"result":{"status":2.0,"free_quota":true,"allow_custom_env":1.0},"status":"success"}`,
			want:    &codeartsbuild.AccountStatus{State: codeartsbuild.AccountFrozen, FreeQuota: true, CustomEnvironments: true},
		},
		"ShowProjectPermission": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Account.Permissions(ctx, documentedProject)
			},
			request: "GET /v1/domain/user-permission?project_id=" + documentedProject,
			want: &codeartsbuild.AccountPermissions{
				ProjectID: documentedProject, Create: true, Modify: true, Group: true, Delete: true, View: true, Execute: true,
				Copy: true, Disable: true, Manage: true, RoleID: "4", RoleName: "te_admin", RoleIDs: []string{"4"}, RoleNames: []string{"te_admin"},
			},
		},
		"ShowAvailableInnerSpec": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Account.Specs(ctx, documentedProject, codeartsbuild.JobArchX86)
			},
			request: "GET /v2/resource/spec?arch=x86-64&project_id=" + documentedProject,
			want:    []string{"DEFAULT", "2U8G"},
		},
		"ShowAvailableInnerSpec in an envelope": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Account.Specs(ctx, documentedProject, codeartsbuild.JobArchARM)
			},
			request: "GET /v2/resource/spec?arch=arm&project_id=" + documentedProject,
			reply:   `{"result":["DEFAULT"],"status":"success"}`,
			want:    []string{"DEFAULT"},
		},
	})
}

func TestAccountPackagesAsDocumented(t *testing.T) {
	t.Parallel()
	testDocumentedCalls(t, map[string]documentedCall{
		"ShowPackageSpecCountDown": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Account.Expiry(ctx, &codeartsbuild.AccountExpiryRequest{ServiceType: "s", ResourceID: "r", ReminderDay: "30"})
			},
			request: "POST /v2/resource/countdown\n" + `{"service_type":"s","resource_id":"r","reminder_day":"30"}`,
			reply: `{"result":[{"service_type":"s","resource_id":"r","resource_name":"n","resource_type":"t","resource_spec_code":"c",` +
				`"tips":{"summary":{"status":1,"next_action":2,"next_action_remain_day":3,"next_action_url":"u"}}}],"error":null,"status":"success"}`,
			want: []codeartsbuild.AccountExpiry{{
				ServiceType: "s", ResourceID: "r", ResourceName: "n", ResourceType: "t", SpecCode: "c",
				Tips: codeartsbuild.AccountExpiryTips{Summary: codeartsbuild.AccountExpiryTip{Status: 1, NextAction: 2, NextActionDays: 3, NextActionURL: "u"}},
			}},
		},
		"ShowPackageSpecStatus": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Account.Packages(ctx, documentedProject, codeartsbuild.AccountPackageFrozen)
			},
			request: "GET /v2/resource/package-spec/status?project_id=" + documentedProject + "&status=freeze",
			reply: `{"result":[{"resource_id":"r","region_id":"cn-north-4","tenant_id":"t","tenant_name":"n","console_update_time":"2026-01-02 11:04:05",` +
				`"service_type":"s","resource_type":"x","spec_code":"c","resource_status":"freeze","create_time":"2026-01-02 10:04:05",` +
				`"update_time":1767323045000}],"error":null,"status":"success"}`,
			want: []codeartsbuild.AccountPackage{{
				ResourceID: "r", RegionID: "cn-north-4", TenantID: "t", TenantName: "n", ServiceType: "s", ResourceType: "x", SpecCode: "c",
				Status: "freeze", CreatedAt: utcTime(2026, 1, 2, 2, 4, 5), UpdatedAt: utcTime(2026, 1, 2, 3, 4, 5), ConsoleUpdatedAt: utcTime(2026, 1, 2, 3, 4, 5),
			}},
		},
	})
}

func TestAccountDomainsAsDocumented(t *testing.T) {
	t.Parallel()
	domain := func(id, name, packageType string, freeQuota bool, federation int) codeartsbuild.AccountDomain {
		return codeartsbuild.AccountDomain{
			ServiceName: "CodeCI", ID: id, Name: name, State: codeartsbuild.AccountNormal, FreeQuota: freeQuota, Federation: federation,
			Region: "cn-north-7", PackageType: packageType, Type: 1, BusinessType: "NORMAL", CustomEnvironments: 1,
			SpecThreshold: `[{"spec":"cbhost-X86-16U64G","threshold":1000}, {"spec":"cbhost-ARM-16U64G"}]`,
		}
	}
	testDocumentedCalls(t, map[string]documentedCall{
		"ShowDomainsStatuses": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Account.Domains(ctx, []string{"82a38fff58f84bb4a39566235f2c14a3", "60021bab32fd450aa2cb89226f425e06"})
			},
			request: "POST /v1/domain/domains-statuses\n" + `{"domain_ids":"82a38fff58f84bb4a39566235f2c14a3,60021bab32fd450aa2cb89226f425e06"}`,
			want: []codeartsbuild.AccountDomain{
				domain("82a38fff58f84bb4a39566235f2c14a3", "devcloud_codeci_02", "CODEARTS_FREE", true, 0),
				domain("60021bab32fd450aa2cb89226f425e06", "devcloud_codeci_01", "CODEARTS_BASIC", false, 1),
			},
		},
		"ShowDomainsStatuses of all": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Account.Domains(ctx, nil)
			},
			request: "POST /v1/domain/domains-statuses\n{}",
			reply:   `{"result":[],"error":null,"status":"success"}`,
			want:    []codeartsbuild.AccountDomain{},
		},
	})
}

func TestAccountProjectsAsDocumented(t *testing.T) {
	t.Parallel()
	testDocumentedCalls(t, map[string]documentedCall{
		"ShowRelatedProject": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Account.RelatedProjects(ctx)
			},
			request: "GET /v1/domain/project/related",
			want: []codeartsbuild.AccountProject{{
				ID: "4c2acd331e214253a9e927c8beb48d67", Name: "/tfs//wxb//", AuthorID: "ae22fd035f354cfa8d82a3f1c8940446",
				AuthorDomainID: "60021bab32fd450aa2cb89226f425e06", IsCreator: true,
			}},
		},
		"ListRelatedProjectInfo": {
			call: func(ctx context.Context, c *codeartsbuild.Client) (any, error) {
				return c.Account.Projects(ctx, &codeartsbuild.AccountProjectListOptions{Page: 2, PageSize: 5, Search: "CI"})
			},
			request: "GET /v1/domain/project/related-page?page_no=2&page_size=5&search=CI",
			want: &codeartsbuild.Page[codeartsbuild.AccountProject]{Items: []codeartsbuild.AccountProject{{
				ID: "32f28c61a5c24688be80294a06f844b2", Name: "CodeCIServer", AuthorID: "4105.0",
				AuthorDomainID: "60021bab32fd450aa2cb89226f425e06", Status: 1,
			}}, Total: 1},
		},
	})
	testDocumentedLists(t, map[string]documentedList{
		"ListRelatedProjectInfo": {
			walk: func(ctx context.Context, c *codeartsbuild.Client) ([]string, error) {
				in := &codeartsbuild.AccountProjectListOptions{PageSize: 1}
				return keysOf(c.Account.AllProjects(ctx, in), func(p *codeartsbuild.AccountProject) string { return p.ID })
			},
			page:    `{"result":{"project_info_list":[%s],"total":2}}`,
			rows:    []string{`{"identifier":"a"}`, `{"identifier":"b"}`},
			want:    []string{"a", "b"},
			queries: []string{"page_no=1&page_size=1", "page_no=2&page_size=1", "page_no=3&page_size=1"},
		},
	})
}

func TestAccountRejectsOtherIDs(t *testing.T) {
	t.Parallel()
	rejectedBeforeIO(t, map[string]func(context.Context, *codeartsbuild.Client) error{
		"no project": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Account.Quota(ctx, "")
			return err
		},
		"a record in place of a project": func(ctx context.Context, c *codeartsbuild.Client) error {
			_, err := c.Account.Specs(ctx, documentedRecord, codeartsbuild.JobArchX86)
			return err
		},
	})
}

// The two POSTs of the service only read, so that they are sent again like a GET.
func TestAccountReadsAreSentAgainAfterALostResponse(t *testing.T) {
	t.Parallel()
	transport := httpfake.Script(httpfake.Lost, httpfake.Reply(200, `{"result":[]}`))
	client := sdktest.Client(t, transport, sdktest.Quick)
	_, err := client.Account.Domains(t.Context(), nil)
	require.NoError(t, err)
	_, err = client.Account.Expiry(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, 3, transport.Count())
}
