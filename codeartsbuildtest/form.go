package codeartsbuildtest

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"slices"
)

// A part is one part of a multipart body.
type part struct {
	name, fileName string
	content        []byte
}

// formParts are the parts that an upload may have.
var formParts = []string{"file", "privacy", "description"}

// parseForm reads a multipart body.
func parseForm(contentType string, body []byte) ([]part, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		return nil, invalid("Content-Type", "must be multipart/form-data")
	}
	reader := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	var parts []part
	for {
		next, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts, nil
		}
		if err != nil {
			return nil, unreadable()
		}
		content, err := io.ReadAll(next)
		switch {
		case err != nil:
			return nil, unreadable()
		case !slices.Contains(formParts, next.FormName()):
			return nil, invalid(next.FormName(), "is not documented")
		}
		parts = append(parts, part{next.FormName(), next.FileName(), content})
	}
}
