package codeartsbuild

// RepositoriesService finds the code repositories that jobs can build. Its methods are safe for concurrent use.
type RepositoriesService struct{ service }
