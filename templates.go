package codeartsbuild

// TemplatesService manages build templates: the ones of the service and those of a tenant. Its methods are safe for concurrent use.
type TemplatesService struct{ service }
