package ftplab

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// packages returns the folders with Go files, below the module's root.
func packages(t *testing.T) []string {
	t.Helper()
	var folders []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		folder := filepath.ToSlash(filepath.Dir(path))
		if strings.HasSuffix(path, ".go") && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return folders
}

// files parses the Go files of a folder, without tests.
func files(t *testing.T, folder string, mode parser.Mode) map[string]*ast.File {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	parsed := map[string]*ast.File{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		path := filepath.Join(folder, e.Name())
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, mode)
		if err != nil {
			t.Fatal(err)
		}
		parsed[path] = f
	}
	return parsed
}

// floors are the packages in the order of ARCHITECTURE.md, from the ground up; a package
// may import only from the floors below its own, and from its own if it is in the same
// folder tree. The first prefix that fits counts.
var floors = [][]string{
	{"sim/event", "sim/wire"},
	{"sim/tcp", "sim/tls", "sim/ftp/ftpnet", "sim/ftp", "sim/firewall"},
	{"sim/replay"},
	{"sim/trace"},
	{"sim/node"},
	{"sim"},
	{"sim/live"},
	{"sim/narrate", "sim/report", "sim/export", "sim/internal"},
	{"topology"},
	{"lessons"},
	{"ui/internal"},
	{"ui/model"},
	{"ui/control"},
	{"ui/view"},
	{"cmd"},
}

func floorOf(folder string) int {
	best, length := -1, -1
	for i, prefixes := range floors {
		for _, p := range prefixes {
			if (folder == p || strings.HasPrefix(folder, p+"/")) && len(p) > length {
				best, length = i, len(p)
			}
		}
	}
	return best
}

func TestImportsPointOneWay(t *testing.T) {
	for _, folder := range packages(t) {
		if folder == "." {
			continue
		}
		floor := floorOf(folder)
		if floor < 0 {
			t.Errorf("%s is on no floor: add it to the list and to ARCHITECTURE.md", folder)
			continue
		}
		for path, f := range files(t, folder, parser.ImportsOnly) {
			for _, spec := range f.Imports {
				target, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), "ftplab/")
				if !ours {
					continue
				}
				below := floorOf(target)
				sameTree := root(target) == root(folder)
				if below > floor || below == floor && !sameTree && folder != "sim/narrate" && floor != floorOf("sim/report") {
					t.Errorf("%s imports %s, which is not below it", path, target)
				}
			}
		}
	}
}

// root is the part of a folder that names its room: sim/firewall of
// sim/firewall/dialect/nft, topology of topology/document.
func root(folder string) string {
	parts := strings.Split(folder, "/")
	depth := 1
	if parts[0] == "sim" || parts[0] == "ui" {
		depth = 2
	}
	return strings.Join(parts[:min(depth, len(parts))], "/")
}

// TestSimulationKnowsNoWorld sees that nothing under sim can look at the machine it runs
// on: a run must be a pure function. The two packages that are for the world are the
// exceptions: real sockets and real programs.
func TestSimulationKnowsNoWorld(t *testing.T) {
	forbidden := map[string]string{
		"os":        "files come in as text or io.Reader",
		"sync":      "there is one goroutine",
		"net":       "addresses are net/netip; sockets are for ftpnet",
		"math/rand": "randomness is seeded: math/rand/v2 with a source of its own",
		"os/exec":   "no other programs",
		"syscall":   "no system calls",
	}
	calls := map[string]string{"Now": "time", "Since": "time", "Sleep": "time", "After": "time", "AfterFunc": "time", "NewTimer": "time", "Tick": "time"}
	global := []string{"Int", "IntN", "Uint32", "Uint64", "Float64", "N", "Perm", "Shuffle", "Int64N"}
	for _, folder := range packages(t) {
		if folder != "sim" && !strings.HasPrefix(folder, "sim/") || strings.HasPrefix(folder, "sim/ftp/ftpnet") || strings.HasPrefix(folder, "sim/live") {
			continue
		}
		for path, f := range files(t, folder, 0) {
			for _, spec := range f.Imports {
				if why, bad := forbidden[strings.Trim(spec.Path.Value, `"`)]; bad {
					t.Errorf("%s imports %s: %s", path, spec.Path.Value, why)
				}
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if _, isGo := n.(*ast.GoStmt); isGo {
					t.Errorf("%s starts a goroutine", path)
				}
				selector, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				pkg, ok := selector.X.(*ast.Ident)
				if !ok || pkg.Obj != nil {
					return true
				}
				if calls[selector.Sel.Name] == pkg.Name {
					t.Errorf("%s uses %s.%s: a run has virtual time", path, pkg.Name, selector.Sel.Name)
				}
				if pkg.Name == "rand" && slices.Contains(global, selector.Sel.Name) {
					t.Errorf("%s uses rand.%s: a run has randomness of its own", path, selector.Sel.Name)
				}
				return true
			})
		}
	}
}

func TestModelKnowsNoTerminal(t *testing.T) {
	for path, f := range files(t, "ui/model", parser.ImportsOnly) {
		for _, spec := range f.Imports {
			if strings.Contains(spec.Path.Value, "tview") || strings.Contains(spec.Path.Value, "tcell") {
				t.Errorf("%s imports %s", path, spec.Path.Value)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, folder := range packages(t) {
		parsed := files(t, folder, parser.PackageClauseOnly|parser.ParseComments)
		documented := len(parsed) == 0 // only tests
		for _, f := range parsed {
			documented = documented || f.Doc != nil
		}
		if !documented {
			t.Errorf("package %s has no comment", folder)
		}
	}
}

// TestEveryExportedNameIsDocumented holds for the packages that others build on.
func TestEveryExportedNameIsDocumented(t *testing.T) {
	for _, folder := range packages(t) {
		for path, f := range files(t, folder, parser.ParseComments) {
			for _, d := range f.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
						t.Errorf("%s: %s has no comment", path, d.Name.Name)
					}
				case *ast.GenDecl:
					undocumented(t, path, d)
				}
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	kind := d.Recv.List[0].Type
	if star, ok := kind.(*ast.StarExpr); ok {
		kind = star.X
	}
	name, ok := kind.(*ast.Ident)
	return ok && name.IsExported()
}

func undocumented(t *testing.T, path string, d *ast.GenDecl) {
	t.Helper()
	for _, spec := range d.Specs {
		s, ok := spec.(*ast.TypeSpec)
		if ok && s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
			t.Errorf("%s: type %s has no comment", path, s.Name.Name)
		}
	}
}
