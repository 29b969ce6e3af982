package codeartsbuildtest

import (
	"strings"

	"github.com/codeartsbuild-go/codeartsbuild"
)

// showArtifacts returns the one package that a build which succeeded has made.
func (s *state) showArtifacts(r *request) (any, error) {
	type artifact struct {
		DailyBuildNumber string `json:"daily_build_number"`
		Name             string `json:"name"`
		PackageType      string `json:"package_type"`
		ProjectID        string `json:"project_id"`
		Type             string `json:"type"`
		URI              string `json:"uri"`
		Version          string `json:"version"`
	}
	b, err := s.buildInPath(r)
	if err != nil {
		return nil, err
	}
	artifacts := struct {
		Images   map[string]artifact `json:"image_infos"`
		Package  *artifact           `json:"package_info"`
		Packages map[string]artifact `json:"package_infos"`
	}{Packages: map[string]artifact{}}
	if b.status == codeartsbuild.StatusSucceeded {
		name := strings.ToLower(repositoryName) + ".jar"
		artifacts.Packages[name] = artifact{b.daily, name, "jar", codeProjectID, "package", "/" + b.daily + "/" + name, b.daily}
	}
	return artifacts, nil
}
