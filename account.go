package codeartsbuild

// AccountService reads the limits, packages and settings of the tenant. Its methods are safe for concurrent use.
type AccountService struct{ service }
