package codeartsbuildtest

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// A template is one of the service's own or of the account.
type template struct {
	uuid, name, description, kind string
	official, favourite           bool
	createdAt                     time.Time
	content                       json.RawMessage // what new jobs get, as it was sent
	parameters                    json.RawMessage
}

// officialTemplates are what every server has.
func officialTemplates() (all table[*template]) {
	for _, kind := range []string{"maven", "npm"} {
		t := &template{
			uuid:        hexID("official template", kind),
			name:        kind,
			description: "Builds with " + kind,
			kind:        kind,
			official:    true,
			content: encode(map[string]any{"steps": []any{map[string]any{
				"enable": true, "module_id": "devcloud2018.codeci_action_20043.action", "name": kind, "version": "20231001.6",
				"properties": map[string]any{"command": kind + " --version"},
			}}}),
			parameters: json.RawMessage("[]"),
		}
		all.add(t.uuid, t)
	}
	return all
}

// An officialRow is what ListOfficialTemplate has of a template.
type officialRow struct {
	Description string          `json:"description"`
	Favourite   bool            `json:"favourite"`
	Name        string          `json:"name"`
	NickName    string          `json:"nick_name,omitempty"` // not of CreateTemplates
	Parameters  json.RawMessage `json:"parameters"`
	Public      bool            `json:"public"`
	Scope       string          `json:"scope"`
	Template    json.RawMessage `json:"template"`
	ToolType    string          `json:"tool_type"`
	Type        string          `json:"type"`
	UUID        string          `json:"uuid"`
	Weight      int             `json:"weight"`
}

func (t *template) officialRow() officialRow {
	row := officialRow{
		Description: t.description,
		Favourite:   t.favourite,
		Name:        t.name,
		NickName:    userName,
		Parameters:  t.parameters,
		Public:      true,
		Scope:       "custom",
		Template:    t.content,
		ToolType:    t.kind,
		Type:        sourceKind,
		UUID:        t.uuid,
	}
	if t.official {
		row.Scope = "official"
	}
	return row
}

// A templateRow is what the other template calls have of a template.
type templateRow struct {
	officialRow
	CreateTime      *string  `json:"create_time"`
	DomainID        string   `json:"domain_id"`
	DomainName      string   `json:"domain_name"`
	I18n            struct{} `json:"i18n"`
	ID              string   `json:"id"`
	IntlDescription struct{} `json:"intl_description"`
	UserID          string   `json:"user_id"`
	UserName        string   `json:"user_name"`
}

func (t *template) row() templateRow {
	return templateRow{
		officialRow: t.officialRow(),
		CreateTime:  recordTime(t.createdAt),
		DomainID:    accountID,
		DomainName:  accountName,
		ID:          hexID("row", t.uuid)[:24],
		UserID:      userID,
		UserName:    userName,
	}
}

// templatePage is one page of the templates whose name holds a text. Pages are counted from 1.
func templatePage[T any](r *request, templates *table[*template], row func(*template) T) any {
	rows := []T{}
	fitting := templates.where(func(t *template) bool { return strings.Contains(t.name, r.text("name")) })
	for _, t := range pageOf(fitting, firstPageIsOne(r.number("page", 1)), r.number("page_size", defaultPageSize)) {
		rows = append(rows, row(t))
	}
	return struct {
		Items     []T `json:"items"`
		TotalSize int `json:"total_size"`
	}{rows, len(fitting)}
}

// noTemplate is the service's own error for a template that does not exist.
func noTemplate() error {
	return refusal{status: http.StatusUnprocessableEntity, code: codeTemplate, message: "The template does not exist"}
}

// newTemplate makes a template of the body, whose steps and parameters are kept as they are.
func (s *state) newTemplate(r *request) (*template, error) {
	t := &template{
		uuid:        hexID("template", s.templates.added+1),
		name:        r.memberText("name"),
		description: r.memberText("description"),
		kind:        r.memberText("tool_type"),
		createdAt:   r.now,
		content:     r.member("template"),
		parameters:  listOf(r.member("parameters")),
	}
	if t.name == "" {
		return nil, invalid("name", "is empty")
	}
	s.templates.add(t.uuid, t)
	return t, nil
}

func (s *state) createTemplate(r *request) (any, error) {
	t, err := s.newTemplate(r)
	if err != nil {
		return nil, err
	}
	return struct {
		UUID string `json:"uuid"`
	}{t.uuid}, nil
}

func (s *state) createOldTemplate(r *request) (any, error) {
	t, err := s.newTemplate(r)
	if err != nil {
		return nil, err
	}
	row := t.row()
	row.NickName = ""
	return row, nil
}

func (s *state) listTemplates(r *request) (any, error) {
	return templatePage(r, &s.templates, (*template).row), nil
}

func (s *state) listOfficialTemplates(r *request) (any, error) {
	return templatePage(r, &s.official, (*template).officialRow), nil
}

// recommendTemplates recommends all of the service's own, for every repository.
func (s *state) recommendTemplates(r *request) (any, error) {
	return templatePage(r, &s.official, (*template).row), nil
}

func (s *state) showTemplate(r *request) (any, error) {
	t, err := s.templates.find(r.text("uuid"))
	if err != nil {
		return nil, noTemplate()
	}
	return t.row(), nil
}

func (s *state) deleteTemplate(r *request) (any, error) {
	if s.templates.remove(r.text("uuid")) != nil {
		return nil, noTemplate()
	}
	return []templateRow{}, nil
}

// setFavouriteTemplate makes the handler that adds templates to the favourites or takes them out.
func setFavouriteTemplate(templates func(*state) *table[*template], favourite bool) handler {
	return func(s *state, r *request) (any, error) {
		t, err := templates(s).find(r.text("uuid"))
		if err != nil {
			return nil, noTemplate()
		}
		t.favourite = favourite
		return nil, nil
	}
}

func customTemplates(s *state) *table[*template] { return &s.templates }

func officialOnes(s *state) *table[*template] { return &s.official }
