package codeartsbuild

// ImagesService lists the images in which builds run. Its methods are safe for concurrent use.
type ImagesService struct{ service }
