module github.com/codeartsbuild-go/codeartsbuild/cmd/codeartsbuild

go 1.25.0

replace github.com/codeartsbuild-go/codeartsbuild => ../..

require (
	github.com/codeartsbuild-go/codeartsbuild v0.0.0
	github.com/spf13/cobra v1.10.2
)

require github.com/google/go-querystring v1.2.0 // indirect

require (
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/spf13/pflag v1.0.9
)
