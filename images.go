package codeartsbuild

import (
	"context"
	"io"
	"net/http"
	"time"
)

// ImagesService lists the images in which builds run. Its methods are safe for concurrent use.
type ImagesService struct{ service }

// Image is a base image for a build environment of one's own.
type Image struct {
	ID           string    `json:"image_id"`
	Name         string    `json:"image_name"`
	Organization string    `json:"organization"`
	Label        string    `json:"image_label"`
	BaseImage    string    `json:"base_image"` // such as centos
	Title        string    `json:"title"`
	Description  string    `json:"description"`
	CreatedAt    time.Time `json:"create_time,omitzero"` // in UTC
}

type imageList struct {
	Images []Image `json:"image_templates"`
}

var opShowImageTemplateList = operation{name: "ShowImageTemplateList", method: http.MethodGet, path: "/v1/image/templates"}

// List returns all base images.
//
// API: ShowImageTemplateList, GET /v1/image/templates.
func (s *ImagesService) List(ctx context.Context, opts ...CallOption) ([]Image, error) {
	list, err := fetchValue[imageList](ctx, s.client, &opShowImageTemplateList, nil, nil, opts)
	return list.Images, err
}

type dockerfileQuery struct {
	ImageID string `url:"image_id"`
}

var opShowDockerfileTemplate = operation{
	name: "ShowDockerfileTemplate", method: http.MethodGet, path: "/v1/image/dockerfile-template", stream: true,
}

// Dockerfile opens a Dockerfile for a base image, as a start for one's own. The caller closes it. The timeout of the
// call ends with the header of the response; the context also ends the reading.
//
// API: ShowDockerfileTemplate, GET /v1/image/dockerfile-template.
func (s *ImagesService) Dockerfile(ctx context.Context, imageID string, opts ...CallOption) (io.ReadCloser, error) {
	return fetchValue[io.ReadCloser](ctx, s.client, &opShowDockerfileTemplate, nil, dockerfileQuery{imageID}, opts)
}
