// Bundle makes netcode/web/dist, the page that `overtime serve` embeds: the script bundled and minified by esbuild, and the
// static files beside it. It needs Go only: the flatbuffers runtime comes from the TypeScript folder of the very Go module
// that the server uses, so both sides of the wire have one version. It is started in .ci: go run -C .ci ./bundle
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// static are the files that are copied as they are.
var static = []string{"index.html", "style.css"}

func main() {
	log.SetFlags(0)
	log.SetPrefix("bundle: ")
	root, err := filepath.Abs("..")
	if err == nil {
		err = bundle(root)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// bundle makes the page of the checkout at root.
func bundle(root string) error {
	page := filepath.Join(root, "netcode", "web", "src", "page")
	dist := filepath.Join(root, "netcode", "web", "dist")
	runtime, err := moduleDir(root, "github.com/google/flatbuffers")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return err
	}
	script, err := build(filepath.Join(page, "main.ts"), filepath.Join(runtime, "ts", "flatbuffers.ts"))
	if err != nil {
		return err
	}
	if err := write(filepath.Join(dist, "app.js"), script); err != nil {
		return err
	}
	for _, name := range static {
		b, err := os.ReadFile(filepath.Join(page, name))
		if err != nil {
			return err
		}
		if err := write(filepath.Join(dist, name), b); err != nil {
			return err
		}
	}
	return nil
}

// moduleDir returns where the source of a module is that the go.mod at root requires, after downloading it if need be.
func moduleDir(root, module string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", module)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	var answer struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &answer); jsonErr == nil && answer.Error != "" {
		err = errors.New(answer.Error)
	} else if err == nil {
		err = jsonErr
	}
	if err != nil {
		return "", fmt.Errorf("find module %s: %w", module, err)
	}
	return answer.Dir, nil
}

// build bundles a script and everything it imports into one module for browsers.
func build(entry, flatbuffers string) ([]byte, error) {
	result := api.Build(api.BuildOptions{
		EntryPoints:       []string{entry},
		Alias:             map[string]string{"flatbuffers": flatbuffers},
		Bundle:            true,
		Format:            api.FormatESModule,
		Platform:          api.PlatformBrowser,
		Target:            api.ES2022,
		Charset:           api.CharsetUTF8,
		LegalComments:     api.LegalCommentsNone,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
	})
	if len(result.Errors) > 0 {
		lines := api.FormatMessages(result.Errors, api.FormatMessagesOptions{})
		return nil, errors.New(strings.TrimSpace(strings.Join(lines, "")))
	}
	if len(result.OutputFiles) != 1 {
		return nil, fmt.Errorf("esbuild made %d files of %s, want 1", len(result.OutputFiles), entry)
	}
	return result.OutputFiles[0].Contents, nil
}

// write replaces a file if its content differs, so that an unchanged page does not make Go build the server again.
func write(path string, b []byte) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == string(b) {
		return nil
	}
	return os.WriteFile(path, b, 0o644)
}
