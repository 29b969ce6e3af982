package codeartsbuildtest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxFileSize    = 100 << 10
	maxFilesAtOnce = 20
	maxFileName    = 500
)

// A keystore is a file that the account keeps for its builds.
type keystore struct {
	id, name, description string
	share                 int // 1: every member of the account may use it
	content               []byte
	createdAt, updatedAt  time.Time
	permissions           table[*filePermission]
}

// A filePermission is what a user may do with a file.
type filePermission struct {
	ID         string `json:"id"`
	CanAbsent  bool   `json:"can_absent"`
	Delete     bool   `json:"delete"`
	IsCreator  bool   `json:"is_creator"`
	KeystoreID string `json:"keystore_id"`
	Modify     bool   `json:"modify"`
	Setting    bool   `json:"setting"`
	Usage      bool   `json:"usage"`
	UserName   string `json:"user_name"`
}

// uploadKeystore takes the parts file, privacy and description. Its result has the id of the first file.
func (s *state) uploadKeystore(r *request) (any, error) {
	var files []part
	description := ""
	for _, p := range r.form {
		switch p.name {
		case "file":
			files = append(files, p)
		case "description":
			description = string(p.content)
		}
	}
	if len(files) == 0 {
		return nil, invalid("file", "is missing")
	}
	if len(files) > maxFilesAtOnce {
		return nil, refusal{status: http.StatusBadRequest, code: codeFileCount, message: "Too many files"}
	}
	for _, f := range files {
		if err := f.check(); err != nil {
			return nil, err
		}
	}
	first := s.keystores.added + 1
	for _, f := range files {
		s.addKeystore(f, description, r.now)
	}
	return struct {
		KeystoreID string `json:"keystore_id"`
	}{keystoreID(first)}, nil
}

// check rejects a file that the service does not keep.
func (p part) check() error {
	switch length := utf8.RuneCountInString(p.fileName); {
	case length == 0 || length > maxFileName:
		return refusal{status: http.StatusBadRequest, code: codeFileName, message: "Invalid file name"}
	case len(p.content) == 0:
		return refusal{status: http.StatusBadRequest, code: codeFileEmpty, message: "The file is empty"}
	case len(p.content) > maxFileSize:
		return invalid("file", "must have at most 100 KB")
	}
	return nil
}

func keystoreID(number int) string { return hexID("keystore", number) }

func (s *state) addKeystore(f part, description string, now time.Time) {
	k := &keystore{
		id: keystoreID(s.keystores.added + 1), name: f.fileName, description: description, content: f.content,
		createdAt: now, updatedAt: now,
	}
	k.addPermission(&filePermission{Delete: true, IsCreator: true, Modify: true, Setting: true, Usage: true, UserName: userName})
	s.keystores.add(k.id, k)
}

func (k *keystore) addPermission(p *filePermission) {
	p.ID, p.KeystoreID = hexID("file permission", k.id, k.permissions.added+1), k.id
	k.permissions.add(p.ID, p)
}

// A fileRow is what lists have of a file.
type fileRow struct {
	CreateTime      string      `json:"create_time"`
	CreateTimeStamp string      `json:"create_time_stamp"`
	CreateUserID    string      `json:"create_user_id"`
	CreateUserName  string      `json:"create_user_name"`
	Description     string      `json:"description"`
	DomainID        string      `json:"domain_id"`
	DomainName      string      `json:"domain_name"`
	ID              string      `json:"id"`
	KeystoreName    string      `json:"keystore_name"`
	Permission      fileOwnView `json:"permission"`
	Region          *string     `json:"region"`
	Share           int         `json:"share"`
	UpdateTime      string      `json:"update_time"`
	UpdateTimeStamp string      `json:"update_time_stamp"`
	UpdateUserID    string      `json:"update_user_id"`
	UpdateUserName  string      `json:"update_user_name"`
}

// A fileOwnView is what the caller may do with a file.
type fileOwnView struct {
	CanAbsent      *bool   `json:"can_absent"`
	Delete         bool    `json:"delete"`
	ID             *string `json:"id"`
	IsCreator      *bool   `json:"is_creator"`
	KeystoreID     string  `json:"keystore_id"`
	LastUpdateTime *string `json:"last_update_time"`
	Modify         bool    `json:"modify"`
	Region         *string `json:"region"`
	Setting        bool    `json:"setting"`
	Usage          bool    `json:"usage"`
	UserName       *string `json:"user_name"`
}

// fileTime spells a time of a file, such as 2024-9-23 17:42.
func fileTime(t time.Time) string { return t.In(serviceZone).Format("2006-1-2 15:04") }

func (k *keystore) row() fileRow {
	return fileRow{
		CreateTime: fileTime(k.createdAt), CreateTimeStamp: epochSeconds(k.createdAt),
		CreateUserID: userID, CreateUserName: userName, Description: k.description,
		DomainID: accountID, DomainName: accountName, ID: k.id, KeystoreName: k.name,
		Permission: fileOwnView{Delete: true, KeystoreID: k.id, Modify: true, Setting: true, Usage: true},
		Share:      k.share, UpdateTime: fileTime(k.updatedAt), UpdateTimeStamp: epochSeconds(k.updatedAt),
		UpdateUserID: userID, UpdateUserName: userName,
	}
}

func (s *state) searchKeystores(r *request) (any, error) {
	fitting := s.keystores.where(func(k *keystore) bool { return strings.Contains(k.name, r.text("search")) })
	rows := []fileRow{}
	for _, k := range pageOf(fitting, firstPageIsOne(r.number("page", 1)), r.number("page_size", defaultPageSize)) {
		rows = append(rows, k.row())
	}
	return struct {
		KeystoreList []fileRow `json:"keystore_list"`
		Total        int       `json:"total"`
	}{rows, len(fitting)}, nil
}

func (s *state) listKeystores(*request) (any, error) {
	type row struct {
		ID           string `json:"id"`
		KeystoreName string `json:"keystore_name"`
	}
	rows := []row{}
	for _, k := range s.keystores.all() {
		rows = append(rows, row{k.id, k.name})
	}
	return rows, nil
}

// downloadKeystore takes a file whose name, account and id agree; the v3 call has no id.
func (s *state) downloadKeystore(r *request) (any, error) {
	name, id := cmp.Or(r.text("name"), r.text("file_name")), r.text("id")
	fitting := s.keystores.where(func(k *keystore) bool { return k.name == name && (id == "" || k.id == id) })
	if len(fitting) == 0 || r.text("domain_id") != accountID {
		return nil, errNotFound
	}
	return file(slices.Clone(fitting[0].content)), nil
}

func (s *state) updateKeystore(r *request) (any, error) {
	var in struct {
		ID          string `json:"id"`
		Name        string `json:"keystore_name"`
		Share       int    `json:"share"`
		Description string `json:"description"`
	}
	r.decode(&in)
	k, err := s.keystores.find(r.text("id"))
	switch {
	case err != nil:
		return nil, err
	case in.ID != k.id:
		return nil, invalid("id", "names another file than the path")
	case in.Share != 0 && in.Share != 1:
		return nil, invalid("share", "must be 0 or 1")
	case in.Name == "":
		return nil, refusal{status: http.StatusBadRequest, code: codeFileName, message: "Invalid file name"}
	}
	k.name, k.share, k.description, k.updatedAt = in.Name, in.Share, in.Description, r.now
	return nil, nil
}

func (s *state) deleteKeystore(r *request) (any, error) {
	return nil, s.keystores.remove(r.text("keystore_id"))
}

func (s *state) addKeystorePermission(r *request) (any, error) {
	p, k, err := s.permissionInBody(r)
	if err != nil {
		return nil, err
	}
	k.addPermission(p)
	return p.ID, nil
}

// permissionInBody reads what a user may do with a file, and finds the file.
func (s *state) permissionInBody(r *request) (*filePermission, *keystore, error) {
	p := new(filePermission)
	r.decode(p)
	k, err := s.keystores.find(p.KeystoreID)
	return p, k, err
}

func (s *state) updateKeystorePermission(r *request) (any, error) {
	changed, k, err := s.permissionInBody(r)
	if err != nil {
		return nil, err
	}
	p, err := k.permissions.find(changed.ID)
	if err != nil {
		return nil, err
	}
	p.CanAbsent, p.Delete, p.Modify, p.Usage, p.UserName = changed.CanAbsent, changed.Delete, changed.Modify, changed.Usage, changed.UserName
	return "", nil
}

func (s *state) listKeystorePermissions(r *request) (any, error) {
	k, err := s.keystores.find(r.text("keystore_id"))
	if err != nil {
		return nil, err
	}
	all := k.permissions.all()
	return struct {
		PermissionList []*filePermission `json:"permission_list"`
		Total          int               `json:"total"`
	}{pageOf(all, r.number("page", 1)-1, cmp.Or(r.number("page_size", 0), defaultPageSize)), len(all)}, nil
}

func (s *state) deleteKeystorePermission(r *request) (any, error) {
	for _, k := range s.keystores.all() {
		if k.permissions.remove(r.text("permission_id")) == nil {
			return "", nil
		}
	}
	return nil, errNotFound
}
