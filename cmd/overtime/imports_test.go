package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const ownModule = "github.com/overtime-server/overtime/"

// rule says what a package may import.
type rule struct {
	own     []string // packages of this module
	modules []string // other modules
	not     []string // standard packages that it must do without, each with everything below it
}

// Standard packages that a pure package does without: no network, clock, files, locks, logging or global randomness.
var (
	impure = []string{"net", "os", "io/fs", "syscall", "time", "sync", "context", "log", "runtime", "math/rand", "crypto/rand", "expvar"}
	remote = []string{"net", "os", "syscall", "log", "math/rand", "crypto/rand"}
)

const (
	flatbuffers = "github.com/google/flatbuffers"
	gws         = "github.com/lxzan/gws"
	deflate     = "github.com/klauspost/compress"
	xxhash      = "github.com/cespare/xxhash/v2"
	prometheus  = "github.com/prometheus/client_golang"
	memberlist  = "github.com/hashicorp/memberlist"
	gometrics   = "github.com/hashicorp/go-metrics"
)

// rules has a line for every package; imports point one way. A package that is not here fails the test: adding one, or
// an import, is a decision. Tests of a package may import more, see testModules.
var rules = map[string]rule{
	"game":          {not: impure},
	"game/arena":    {own: []string{"game"}, not: impure},
	"game/tag":      {own: []string{"game"}, not: impure},
	"game/journal":  {own: []string{"game"}, not: []string{"net", "os", "time", "log", "math/rand", "crypto/rand"}},
	"game/loop":     {own: []string{"game", "game/journal"}, modules: []string{xxhash}, not: []string{"net", "os", "math/rand", "crypto/rand"}},
	"game/gametest": {own: []string{"game", "game/journal", "game/loop"}, not: []string{"net", "os"}},

	"schema/wire": {modules: []string{flatbuffers}, not: impure},
	"schema":      {own: []string{"schema/wire"}, modules: []string{flatbuffers}, not: remote},

	"netcode/token":  {not: []string{"net", "log", "math/rand"}},
	"netcode/delta":  {own: []string{"game", "schema", "schema/wire"}, modules: []string{flatbuffers}, not: remote},
	"netcode/cohort": {modules: []string{deflate}, not: []string{"os", "log", "math/rand"}},
	"netcode/client": {own: []string{"game", "netcode/delta", "schema", "schema/wire"}, modules: []string{gws, flatbuffers, deflate}},
	"netcode/web":    {},
	"netcode": {
		own:     []string{"game", "game/journal", "game/loop", "netcode/cohort", "netcode/delta", "netcode/token", "schema", "schema/wire"},
		modules: []string{gws, flatbuffers},
	},

	"bots/relay": {},
	"bots":       {own: []string{"bots/relay", "game", "game/arena", "netcode/client", "schema", "schema/wire"}},

	"cluster/member":     {modules: []string{memberlist, gometrics}},
	"cluster/simnet":     {modules: []string{memberlist}}, // a network in memory, for tests
	"cluster/link":       {},
	"cluster/directory":  {not: remote},
	"cluster/place":      {not: impure},
	"cluster/guard":      {not: impure},
	"cluster/replica":    {own: []string{"game", "game/journal", "game/loop"}, not: []string{"net", "os", "math/rand", "crypto/rand"}},
	"cluster/matchmaker": {not: remote},

	"cluster/admin": {own: []string{"game", "game/journal", "game/loop", "netcode", "netcode/token"}, modules: []string{prometheus}},
	"cluster": {own: []string{"cluster/admin", "cluster/directory", "cluster/guard", "cluster/link", "cluster/matchmaker", "cluster/member",
		"cluster/place", "cluster/replica", "game", "game/journal", "game/loop", "netcode", "netcode/token", "netcode/web"}},

	"cmd/overtime": {own: []string{"bots", "bots/relay", "cluster", "game", "game/arena", "game/journal", "game/loop", "game/tag"}},
}

// testModules are the modules that tests alone may import.
var testModules = []string{"pgregory.net/rapid", "go.uber.org/goleak", "github.com/anishathalye/porcupine"}

// source is one parsed Go file of the module.
type source struct {
	path string // from the root, with slashes
	pkg  string // directory of path
	test bool
	file *ast.File
}

// sources parses every Go file below the root up to its imports. It reads the files in this process, so that the test
// cache notices when one changes.
func sources(t *testing.T) []source {
	t.Helper()
	root := filepath.Join("..", "..")
	var out []source
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			if p != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || name == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, src, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		rel = filepath.ToSlash(rel)
		out = append(out, source{path: rel, pkg: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"), file: f})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("found %d Go files only", len(out))
	}
	return out
}

func TestImportsPointOneWay(t *testing.T) {
	for _, s := range sources(t) {
		r, known := rules[s.pkg]
		if !known {
			t.Errorf("%s: package %s is not in the table of imports", s.path, s.pkg)
			continue
		}
		for _, spec := range s.file.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if why := r.refuses(imp, s.test); why != "" {
				t.Errorf("%s imports %s: %s", s.path, imp, why)
			}
		}
	}
}

// refuses says why a file of a package must not import something, or nothing.
func (r rule) refuses(imp string, test bool) string {
	first, _, _ := strings.Cut(imp, "/")
	own, isOwn := strings.CutPrefix(imp, ownModule)
	switch {
	case isOwn && strings.HasPrefix(own, "cmd/"):
		return "nobody imports a command"
	case isOwn && !test && !slices.Contains(r.own, own):
		return "not in the table of imports"
	case isOwn:
		if _, known := rules[own]; !known {
			return "no such package in the table of imports"
		}
	case !strings.Contains(first, "."): // standard
		if !test && slices.ContainsFunc(r.not, func(std string) bool { return below(imp, std) }) {
			return "the package must do without it"
		}
	case slices.ContainsFunc(r.modules, func(m string) bool { return below(imp, m) }):
	case test && slices.ContainsFunc(allowedInTests(), func(m string) bool { return below(imp, m) }):
	default:
		return "this module is not the package's to use"
	}
	return ""
}

// allowedInTests are the modules that tests may import: those for tests and those that any package uses.
func allowedInTests() []string {
	all := slices.Clone(testModules)
	for _, r := range rules {
		all = append(all, r.modules...)
	}
	return all
}

// below reports whether an import path is p or lies in it.
func below(imp, p string) bool {
	return imp == p || strings.HasPrefix(imp, p+"/")
}

// Every package says what it is for, in a comment that godoc shows.
func TestPackagesAreDocumented(t *testing.T) {
	docs := map[string]string{}
	for _, s := range sources(t) {
		if !s.test {
			docs[s.pkg] += s.file.Doc.Text()
		}
	}
	for pkg, doc := range docs {
		want := "Package " + path.Base(pkg) + " "
		if strings.HasPrefix(pkg, "cmd/") {
			want = strings.ToUpper(path.Base(pkg)[:1]) + path.Base(pkg)[1:] + " " // by convention a command's own name
		}
		if !strings.Contains(doc, want) {
			t.Errorf("%s has no package comment that begins with %q", pkg, want)
		}
	}
}

// The table itself: no cycles, nothing in it twice, and its rules refuse what they should.
func TestImportTable(t *testing.T) {
	for pkg := range rules {
		if chain := cycle(pkg, nil); chain != nil {
			t.Errorf("imports in a circle: %v", chain)
		}
	}
	for imp, want := range map[string]bool{
		"slices": true, "net": false, "net/http": false, "math/rand/v2": false, "time": false, "timely": true,
		ownModule + "game": true, ownModule + "schema": false, gws: false, "example.com/other": false,
	} {
		if got := rules["game/arena"].refuses(imp, false) == ""; got != want {
			t.Errorf("game/arena may import %s: %v, want %v", imp, got, want)
		}
	}
	if (rule{}).refuses(ownModule+"cmd/overtime", true) == "" || (rule{}).refuses(ownModule+"elsewhere", true) == "" {
		t.Error("tests may import a command or an unknown package")
	}
}

// cycle returns a chain of imports that comes back to a package in it, or nil.
func cycle(pkg string, chain []string) []string {
	if slices.Contains(chain, pkg) {
		return append(chain, pkg)
	}
	for _, next := range rules[pkg].own {
		if found := cycle(next, append(slices.Clone(chain), pkg)); found != nil {
			return found
		}
	}
	return nil
}
