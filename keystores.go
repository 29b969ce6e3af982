package codeartsbuild

// KeystoresService manages the files that builds use, such as keystores for signing. Its methods are safe for concurrent use.
type KeystoresService struct{ service }
