package apitest

import (
	"context"
	"strings"

	"github.com/codeartsbuild-go/codeartsbuild"
)

var keystoreCalls = map[string]Call{
	"ListKeystoreSearch": func(ctx context.Context, s *Scene) (any, error) {
		return s.Keystores.List(ctx, &codeartsbuild.KeystoreListOptions{Page: 1, PageSize: 10, Search: "a"})
	},
	"ListKeystore": func(ctx context.Context, s *Scene) (any, error) {
		return s.Keystores.ListUsable(ctx)
	},
	"UploadKeystore": func(ctx context.Context, s *Scene) (any, error) {
		return s.Keystores.Upload(ctx, &codeartsbuild.KeystoreUpload{Name: "b.jks", File: strings.NewReader("secret"), Privacy: true, Description: "d"})
	},
	"DownloadKeystoreByName": func(ctx context.Context, s *Scene) (any, error) {
		return s.Keystores.Download(ctx, &codeartsbuild.KeystoreDownload{ID: s.Keystore, Name: s.KeystoreName, DomainID: s.Domain})
	},
	"UpdateKeystore": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Keystores.Update(ctx, s.Keystore, &codeartsbuild.KeystoreUpdate{Name: "a.jks", Description: "d", Share: 1})
	},
	"DeleteKeystore": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Keystores.Delete(ctx, s.Keystore)
	},
	"ShowKeystorePermission": func(ctx context.Context, s *Scene) (any, error) {
		return s.Keystores.ListPermissions(ctx, s.Keystore, &codeartsbuild.KeystorePermissionListOptions{Page: 1, PageSize: 10})
	},
	"AddKeystorePermission": func(ctx context.Context, s *Scene) (any, error) {
		return s.Keystores.AddPermission(ctx, &codeartsbuild.KeystorePermissionRequest{KeystoreID: s.Keystore, UserID: "v", UserName: "bob"})
	},
	"UpdateKeystorePermission": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Keystores.UpdatePermission(ctx, &codeartsbuild.KeystorePermissionUpdate{ID: s.Permission, KeystoreID: s.Keystore, UserName: "ada"})
	},
	"DeleteKeystorePermission": func(ctx context.Context, s *Scene) (any, error) {
		return nil, s.Keystores.DeletePermission(ctx, s.Permission)
	},
}
