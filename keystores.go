package codeartsbuild

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// KeystoresService manages the files that a tenant keeps for its builds, such as keystores for signing. The service
// accepts the endings .crt, .pem, .key, .keystore, .jks and .xml, 100 KB a file and 20 files a user. Its methods are
// safe for concurrent use.
type KeystoresService struct{ service }

// Keystore is a file. ListUsable reports ID and Name only.
type Keystore struct {
	ID              string             `json:"id"`
	Name            string             `json:"keystore_name"`
	Description     string             `json:"description"`
	Share           int                `json:"share"` // 1: every member of the tenant may use it in builds; 0: not
	Permission      KeystorePermission `json:"permission"`
	Region          string             `json:"region"`
	DomainID        string             `json:"domain_id"` // the tenant
	DomainName      string             `json:"domain_name"`
	CreateUserID    string             `json:"create_user_id"`
	CreateUserName  string             `json:"create_user_name"`
	CreateTime      time.Time          `json:"create_time"`       // to the minute
	CreateTimeStamp time.Time          `json:"create_time_stamp"` // to the second
	UpdateUserID    string             `json:"update_user_id"`
	UpdateUserName  string             `json:"update_user_name"`
	UpdateTime      time.Time          `json:"update_time"`       // to the minute
	UpdateTimeStamp time.Time          `json:"update_time_stamp"` // to the second
}

// KeystoreListOptions choose the files of a list. Nil means the zero value.
type KeystoreListOptions struct {
	Page     int    `url:"-"`                // from 1; 0 means 1. All ignores it
	PageSize int    `url:"-"`                // 1 to 100; 0 means 100
	Search   string `url:"search,omitempty"` // a part of the name; "" means all
}

var opListKeystoreSearch = operation{
	name: "ListKeystoreSearch", method: http.MethodGet, path: "/v2/keystore/list",
	list: &listing{page: "page", first: 1, size: "page_size", rows: "keystore_list", total: "total"},
}

// List returns one page of the tenant's files.
//
// API: ListKeystoreSearch, GET /v2/keystore/list.
func (s *KeystoresService) List(ctx context.Context, in *KeystoreListOptions, opts ...CallOption) (*Page[Keystore], error) {
	o := orZero(in)
	return listPage[Keystore](ctx, s.client, &opListKeystoreSearch, nil, o.Page, o.PageSize, o, opts)
}

// All returns an iterator over the tenant's files. It reads a page when its first file is wanted, and ends after the
// first error.
//
// API: ListKeystoreSearch, GET /v2/keystore/list.
func (s *KeystoresService) All(ctx context.Context, in *KeystoreListOptions, opts ...CallOption) iter.Seq2[*Keystore, error] {
	o := orZero(in)
	return listAll(ctx, s.client, &opListKeystoreSearch, nil, o.PageSize, o, func(k *Keystore) string { return k.ID }, opts)
}

var opListKeystore = operation{name: "ListKeystore", method: http.MethodGet, path: "/v2/keystore/name"}

// ListUsable returns the files that the caller may use in builds.
//
// API: ListKeystore, GET /v2/keystore/name.
func (s *KeystoresService) ListUsable(ctx context.Context, opts ...CallOption) ([]Keystore, error) {
	return fetchValue[[]Keystore](ctx, s.client, &opListKeystore, nil, nil, opts)
}

// KeystoreUpload is a file to upload.
type KeystoreUpload struct {
	// Name is the name of the file without a path, such as "release.jks".
	Name string
	// File is read from its current position to its end. An io.Seeker can be read again for another attempt.
	File io.Reader
	// Size is the number of bytes in File. 0 means that Upload measures File, which must then be an io.Seeker.
	Size int64
	// Privacy is the user's consent to the service's privacy statement: the service may process sensitive data.
	Privacy     bool
	Description string
}

// KeystoreUploadResult names an uploaded file.
type KeystoreUploadResult struct {
	ID string `json:"keystore_id"`
}

func (r *KeystoreUploadResult) complete(about) error {
	if r.ID == "" {
		return errors.New("the response names no file")
	}
	return nil
}

var opUploadKeystore = operation{name: "UploadKeystore", method: http.MethodPost, path: "/v2/keystore/upload"}

// Upload uploads a file. It reads the file while it sends it, and never holds it in memory as a whole. It has stopped
// reading when it returns, unless a Read hangs.
//
// The file is sent once. It is sent again only if the service did not process the first request, and if File is an
// io.Seeker or was not read yet. If File fails, or has fewer or more bytes than Size, the upload is broken off, and the
// service has stored nothing. The returned error wraps that of File, and io.ErrUnexpectedEOF for a file that is too
// short. An empty file, an unknown size, and a name with a path are [ErrInvalidArgument].
//
// API: UploadKeystore, POST /v2/keystore/upload.
func (s *KeystoresService) Upload(ctx context.Context, in *KeystoreUpload, opts ...CallOption) (*KeystoreUploadResult, error) {
	form, err := in.form()
	if err != nil {
		return nil, opUploadKeystore.named(err)
	}
	return fetch[KeystoreUploadResult](ctx, s.client, &opUploadKeystore, nil, form, opts)
}

func (in *KeystoreUpload) form() (*upload, error) {
	switch {
	case in == nil || isNil(in.File):
		return nil, invalid("File must not be nil")
	case in.Name == "" || strings.ContainsAny(in.Name, `/\`) || strings.ContainsFunc(in.Name, unicode.IsControl):
		return nil, invalid("Name must be the name of a file without a path, got %s", quoted(in.Name))
	case !utf8.ValidString(in.Name + in.Description):
		return nil, invalid("Name and Description must be UTF-8, got %s and %s", quoted(in.Name), quoted(in.Description))
	}
	texts := [][2]string{{"privacy", strconv.FormatBool(in.Privacy)}}
	if in.Description != "" {
		texts = append(texts, [2]string{"description", in.Description})
	}
	return newUpload(texts, in.Name, in.File, in.Size)
}

// KeystoreDownload says which file to download, as [KeystoresService.List] reports it. All fields are required.
type KeystoreDownload struct {
	ID       string `url:"id"`
	Name     string `url:"name"` // 1 to 500 characters
	DomainID string `url:"domain_id"`
}

// The file is secret: no error may quote it.
var opDownloadKeystoreByName = operation{
	name: "DownloadKeystoreByName", method: http.MethodGet, path: "/v2/keystore/download",
	stream: true, asJSON: true, quotes: isSuccess,
}

// Download opens a file, which the caller closes. The timeout of the call ends with the header of the response; the
// context also ends the reading. A redirect to another store is followed once, over https only and without the
// credential. JSON in place of the file is the error in it, or [ErrUnexpectedResponse].
//
// API: DownloadKeystoreByName, GET /v2/keystore/download.
func (s *KeystoresService) Download(ctx context.Context, in *KeystoreDownload, opts ...CallOption) (io.ReadCloser, error) {
	return fetchValue[io.ReadCloser](ctx, s.client, &opDownloadKeystoreByName, nil, orZero(in), opts)
}

// KeystoreUpdate replaces the description of a file. All fields are sent.
type KeystoreUpdate struct {
	Name        string `json:"keystore_name"`
	Description string `json:"description"`
	Share       int    `json:"share"` // 1: every member of the tenant may use it in builds; 0: not
}

type keystoreBody struct {
	ID string `json:"id"`
	KeystoreUpdate
}

var opUpdateKeystore = operation{
	name: "UpdateKeystore", method: http.MethodPost, path: "/v2/keystore/update/{id}", effect: repeatable,
}

// Update changes name, description and sharing of a file, and leaves its content.
//
// API: UpdateKeystore, POST /v2/keystore/update/{id}.
func (s *KeystoresService) Update(ctx context.Context, keystoreID string, in *KeystoreUpdate, opts ...CallOption) error {
	return s.client.perform(ctx, &opUpdateKeystore, []string{keystoreID}, keystoreBody{keystoreID, orZero(in)}, opts)
}

var opDeleteKeystore = operation{
	name: "DeleteKeystore", method: http.MethodDelete, path: "/v2/keystore/{keystore_id}/delete", effect: repeatable,
}

// Delete deletes a file. If the response is lost, the call is retried, and may then fail because the file is gone; such
// an error is also [ErrOutcomeUnknown].
//
// API: DeleteKeystore, DELETE /v2/keystore/{keystore_id}/delete.
func (s *KeystoresService) Delete(ctx context.Context, keystoreID string, opts ...CallOption) error {
	return s.client.perform(ctx, &opDeleteKeystore, []string{keystoreID}, nil, opts)
}

// KeystorePermission lists the rights of a user on a file. In a [Keystore] they are those of the caller, and most other
// fields are zero.
type KeystorePermission struct {
	ID             string    `json:"id"`
	KeystoreID     string    `json:"keystore_id"`
	UserName       string    `json:"user_name"`
	Setting        bool      `json:"setting"`    // change permissions
	Delete         bool      `json:"delete"`     // delete the file
	Modify         bool      `json:"modify"`     // change the file
	Usage          bool      `json:"usage"`      // use the file in builds
	IsCreator      bool      `json:"is_creator"` // the user uploaded the file
	CanAbsent      bool      `json:"can_absent"` // the permission may be changed and removed
	LastUpdateTime time.Time `json:"last_update_time"`
	Region         string    `json:"region"`
}

// KeystorePermissionListOptions choose a page. Nil means the zero value.
type KeystorePermissionListOptions struct {
	Page     int `url:"-"` // from 1; 0 means 1. AllPermissions ignores it
	PageSize int `url:"-"` // 1 to 100; 0 means 100
}

var opShowKeystorePermission = operation{
	name: "ShowKeystorePermission", method: http.MethodGet, path: "/v2/keystore/permission/{keystore_id}/query",
	list: &listing{page: "page", first: 1, size: "page_size", rows: "permission_list", total: "total"},
}

// ListPermissions returns one page of the permissions on a file.
//
// API: ShowKeystorePermission, GET /v2/keystore/permission/{keystore_id}/query.
func (s *KeystoresService) ListPermissions(ctx context.Context, keystoreID string, in *KeystorePermissionListOptions, opts ...CallOption) (*Page[KeystorePermission], error) {
	o := orZero(in)
	return listPage[KeystorePermission](ctx, s.client, &opShowKeystorePermission, []string{keystoreID}, o.Page, o.PageSize, nil, opts)
}

// AllPermissions returns an iterator over the permissions on a file, as All does over the files.
//
// API: ShowKeystorePermission, GET /v2/keystore/permission/{keystore_id}/query.
func (s *KeystoresService) AllPermissions(ctx context.Context, keystoreID string, in *KeystorePermissionListOptions, opts ...CallOption) iter.Seq2[*KeystorePermission, error] {
	o := orZero(in)
	return listAll(ctx, s.client, &opShowKeystorePermission, []string{keystoreID}, o.PageSize, nil, func(p *KeystorePermission) string { return p.ID }, opts)
}

// KeystorePermissionRequest gives a user permissions on a file. All fields are sent.
type KeystorePermissionRequest struct {
	KeystoreID string `json:"keystore_id"`
	UserID     string `json:"user_id"`
	UserName   string `json:"user_name"`
	Setting    bool   `json:"setting"`    // change permissions
	Delete     bool   `json:"delete"`     // delete the file
	Modify     bool   `json:"modify"`     // change the file
	Usage      bool   `json:"usage"`      // use the file in builds
	CanAbsent  bool   `json:"can_absent"` // the permission may be changed and removed
}

var opAddKeystorePermission = operation{name: "AddKeystorePermission", method: http.MethodPost, path: "/v2/keystore/permission/add"}

// AddPermission gives a user permissions on a file. It returns the service's result, which in the documented example looks
// like the id of the permission.
//
// API: AddKeystorePermission, POST /v2/keystore/permission/add.
func (s *KeystoresService) AddPermission(ctx context.Context, in *KeystorePermissionRequest, opts ...CallOption) (string, error) {
	return fetchValue[string](ctx, s.client, &opAddKeystorePermission, nil, orZero(in), opts)
}

// KeystorePermissionUpdate replaces a permission, as [KeystoresService.ListPermissions] reports it. All fields are sent.
type KeystorePermissionUpdate struct {
	ID         string `json:"id"`
	KeystoreID string `json:"keystore_id"`
	UserName   string `json:"user_name"`
	Delete     bool   `json:"delete"`     // delete the file
	Modify     bool   `json:"modify"`     // change the file
	Usage      bool   `json:"usage"`      // use the file in builds
	CanAbsent  bool   `json:"can_absent"` // the permission may be changed and removed
}

var opUpdateKeystorePermission = operation{
	name: "UpdateKeystorePermission", method: http.MethodPost, path: "/v2/keystore/permission/edit", effect: repeatable,
}

// UpdatePermission changes a permission on a file. The permission to change permissions stays as it is.
//
// API: UpdateKeystorePermission, POST /v2/keystore/permission/edit.
func (s *KeystoresService) UpdatePermission(ctx context.Context, in *KeystorePermissionUpdate, opts ...CallOption) error {
	return s.client.perform(ctx, &opUpdateKeystorePermission, nil, orZero(in), opts)
}

var opDeleteKeystorePermission = operation{
	name: "DeleteKeystorePermission", method: http.MethodDelete, path: "/v2/keystore/permission/{permission_id}/delete", effect: repeatable,
}

// DeletePermission deletes a permission on a file. If the response is lost, the call is retried, and may then fail because
// the permission is gone; such an error is also [ErrOutcomeUnknown].
//
// API: DeleteKeystorePermission, DELETE /v2/keystore/permission/{permission_id}/delete.
func (s *KeystoresService) DeletePermission(ctx context.Context, permissionID string, opts ...CallOption) error {
	return s.client.perform(ctx, &opDeleteKeystorePermission, []string{permissionID}, nil, opts)
}
