// Drift prints the operations, paths, parameters and fields of the vendor's client that testdata/operations.json does not
// have. Run it in the folder compat:
//
//	go run ./drift                     # the version of go.mod
//	go run ./drift -version latest     # any version that the module proxy has
//
// It ends with 1 if it prints anything, and with 2 if it fails.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"

	"github.com/codeartsbuild-go/codeartsbuild/internal/apidoc"
)

const vendorModule = "github.com/huaweicloud/huaweicloud-sdk-go-v3"

func main() {
	version := flag.String("version", "", "version of the vendor's client, such as v0.1.207 or latest; default: the one of go.mod")
	document := flag.String("document", "../testdata/operations.json", "the `file` to compare with")
	flag.Parse()
	news, err := drift(*document, *version)
	if err != nil {
		fmt.Fprintln(os.Stderr, "drift:", err)
		os.Exit(2)
	}
	for _, line := range news {
		fmt.Println(line)
	}
	if len(news) > 0 {
		os.Exit(1)
	}
}

// drift compares the vendor's client of a version with a document.
func drift(document, version string) ([]string, error) {
	known, err := apidoc.Read(document)
	if err != nil {
		return nil, err
	}
	dir, err := moduleDir(version)
	if err != nil {
		return nil, err
	}
	client, err := readClient(dir + "/services/codeartsbuild/v3")
	if err != nil {
		return nil, err
	}
	return client.beyond(known), nil
}

// moduleDir returns the folder of the vendor's module, which it downloads if necessary.
func moduleDir(version string) (string, error) {
	command := exec.Command("go", "list", "-m", "-json", vendorModule)
	if version != "" {
		command = exec.Command("go", "mod", "download", "-json", vendorModule+"@"+version)
	}
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", command, err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", err
	}
	return module.Dir, nil
}
