package codeartsbuild

// GroupsService manages the groups in which a project keeps its jobs. Its methods are safe for concurrent use.
type GroupsService struct{ service }
