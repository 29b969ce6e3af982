package codeartsbuild

import (
	"context"
	"net/http"
)

// BuildArtifacts are the software packages and container images that a build made. The documentation does not say
// what the keys of the maps are, nor how Package relates to Packages.
type BuildArtifacts struct {
	Package  BuildArtifact            `json:"package_info"` // the zero value without one
	Packages map[string]BuildArtifact `json:"package_infos"`
	Images   map[string]BuildArtifact `json:"image_infos"`
}

// BuildArtifact is a package or an image that a build made.
type BuildArtifact struct {
	ProjectID    string               `json:"project_id"` // of CodeArts, not of IAM
	Name         string               `json:"name"`
	Version      string               `json:"version"`
	PackageType  BuildArtifactPackage `json:"package_type"`
	URI          string               `json:"uri"` // the path of the artifact in the release repository of CodeArts Artifact
	Type         string               `json:"type"`
	DailyBuildNo string               `json:"daily_build_number"` // such as "20240626.2"; no call takes it
}

// BuildArtifactPackage is the form of a package.
type BuildArtifactPackage string

// The forms of a package.
const (
	BuildArtifactCMake  BuildArtifactPackage = "cmake"
	BuildArtifactJAR    BuildArtifactPackage = "jar"
	BuildArtifactPython BuildArtifactPackage = "py"
	BuildArtifactZIP    BuildArtifactPackage = "zip"
	BuildArtifactText   BuildArtifactPackage = "txt"
	BuildArtifactYAML   BuildArtifactPackage = "yml"
	BuildArtifactHTML   BuildArtifactPackage = "html"
)

// The documentation files this operation under the outdated ones, but has no other that does the same.
var opShowNewOutput = operation{
	name: "ShowNewOutput", method: http.MethodGet, path: "/v1/job/{job_id}/{build_no}/output",
}

// Artifacts returns the artifacts of a build. Their files cannot be downloaded here: a URI is a path of another
// service, CodeArts Artifact.
//
// The documentation marks the operation as outdated, and names no replacement.
//
// API: ShowNewOutput, GET /v1/job/{job_id}/{build_no}/output.
func (s *BuildsService) Artifacts(ctx context.Context, jobID, buildNo string, opts ...CallOption) (*BuildArtifacts, error) {
	return fetch[BuildArtifacts](ctx, s.client, &opShowNewOutput, []string{jobID, buildNo}, nil, opts)
}
