// Package codeartsbuild is a client for Huawei Cloud CodeArts Build.
package codeartsbuild
