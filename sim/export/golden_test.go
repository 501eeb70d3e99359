package export

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ftplab/sim/ftp"
	"ftplab/sim/internal/simtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// labs are the runs that every form of output is tested with.
func labs() map[string]simtest.Lab {
	return map[string]simtest.Lab{
		"acl-pasv":        {Mode: ftp.ModePASV, Rules: simtest.ActiveACL},
		"acl-port":        {Mode: ftp.ModePORT, Rules: simtest.ActiveACL},
		"inspect-epsv":    {Mode: ftp.ModeEPSV, Rules: simtest.Inspecting},
		"stateful-eprt":   {Mode: ftp.ModeEPRT, Rules: simtest.Stateful},
		"masquerade-port": {Mode: ftp.ModePORT, Rules: simtest.Masquerading},
		"reject-pasv":     {Mode: ftp.ModePASV, Rules: simtest.Rejecting},
		"loss-stor":       {Mode: ftp.ModePASV, Op: ftp.OpStore, Path: "/incoming/up.bin", Loss: 0.1, Seed: 7},
		"large-retr":      {Mode: ftp.ModePASV, Path: "/pub/large.bin"},
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs (-want +got); if that is right, run the test with -update:\n%s", path, cmp.Diff(string(want), string(got)))
	}
}
