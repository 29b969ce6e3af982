package codeartsbuild

// ReportsService reads the test and coverage reports of builds. Its methods are safe for concurrent use.
type ReportsService struct{ service }
