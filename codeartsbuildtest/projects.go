package codeartsbuildtest

import "strings"

// A projectRow is what the calls about projects have of the one project that there is.
type projectRow struct {
	AuthorDomainID string  `json:"author_domain_id"`
	AuthorID       string  `json:"author_id"`
	ID             *string `json:"id"`
	Identifier     string  `json:"identifier"`
	IsCreator      bool    `json:"is_creator"`
	Name           string  `json:"name"`
	RealRole       *string `json:"real_role"`
	Status         *int    `json:"status"`
	Type           *string `json:"type"`
	Watcher        *string `json:"watcher"`
}

// A projectPageRow is what the list in pages has of it.
type projectPageRow struct {
	AuthorDomainID string `json:"author_domain_id"`
	AuthorID       string `json:"author_id"`
	Identifier     string `json:"identifier"`
	Name           string `json:"name"`
	Status         int    `json:"status"`
}

// A projectList is a list of projects.
type projectList[T any] struct {
	ProjectInfoList []T `json:"project_info_list"`
	Total           int `json:"total"`
}

func (s *state) showProjects(*request) (any, error) {
	own := projectRow{
		AuthorDomainID: accountID, AuthorID: userID, Identifier: codeProjectID, IsCreator: true, Name: codeProjectName,
	}
	return projectList[projectRow]{[]projectRow{own}, 1}, nil
}

func (s *state) listProjects(r *request) (any, error) {
	all := []projectPageRow{}
	if strings.Contains(codeProjectName, r.text("search")) {
		all = append(all, projectPageRow{accountID, userID, codeProjectID, codeProjectName, 1})
	}
	page := pageOf(all, firstPageIsOne(r.number("page_no", 1)), r.number("page_size", defaultPageSize))
	return projectList[projectPageRow]{page, len(all)}, nil
}

// showDockerfile returns a file of text.
func (s *state) showDockerfile(*request) (any, error) { return file("FROM scratch\n"), nil }

// emptyArchive is a ZIP archive without a file.
const emptyArchive = "PK\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// downloadCoverage returns an archive, since no build here runs tests.
func (s *state) downloadCoverage(r *request) (any, error) {
	if _, err := s.buildInPath(r); err != nil {
		return nil, err
	}
	return file(emptyArchive), nil
}
