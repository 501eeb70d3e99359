package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ftplab/sim/ftp/ftpnet"
	"ftplab/sim/report"
)

// liveServer is a real server, which has the place of the one in lesson 12.
type liveServer struct {
	name    string
	op      string
	user    string // "" is the one who runs the test, else an ordinary one
	command func(folder string) ([]string, error)
	tls     bool
	// anyPort is said of a server that dials from other ports than 20, for which an
	// ordinary user has no right.
	anyPort bool
	// early is said of a server that dials as soon as it is told PORT, and answers when
	// that has succeeded or failed.
	early bool
}

// nobody is an ordinary user of every Linux system.
const nobody = "65534"

// vsftpdConfig is vsftpd as the lessons' server: it gives up after 4 s to reach the
// client, or to be reached.
const vsftpdConfig = `listen=YES
background=NO
anonymous_enable=YES
connect_from_port_20=YES
connect_timeout=4
accept_timeout=4
pasv_min_port=2024
pasv_max_port=2024
xferlog_enable=NO
seccomp_sandbox=NO
`

// vsftpdTLS wants the data connection to resume the control connection's TLS session.
const vsftpdTLS = `ssl_enable=YES
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
require_ssl_reuse=YES
ssl_ciphers=HIGH
`

// certificateOptions returns what names vsftpd its certificate.
func certificateOptions(t *testing.T) string {
	t.Helper()
	certificate, err := ftpnet.SelfSigned([]string{"server"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	both := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	both = append(both, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	file := filepath.Join(t.TempDir(), "both.pem")
	if err := os.WriteFile(file, both, 0o600); err != nil {
		t.Fatal(err)
	}
	return "rsa_cert_file=" + file + "\nrsa_private_key_file=" + file + "\n"
}

func liveServers(t *testing.T) []liveServer {
	vsftpd, python := livePeer(t, "vsftpd"), livePeer(t, "python3")
	if err := exec.Command(python, "-c", "import pyftpdlib").Run(); err != nil {
		skipOrFail(t, "pyftpdlib is not installed")
	}
	script, err := filepath.Abs("testdata/peers/serve.py")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	withConfig := func(more string) func(folder string) ([]string, error) {
		return func(folder string) ([]string, error) {
			file := folder + "/vsftpd.conf"
			config := vsftpdConfig + "anon_root=" + folder + "/served\nsecure_chroot_dir=" + folder + "/empty\n" + more
			return []string{vsftpd, file}, os.WriteFile(file, []byte(config), 0o644)
		}
	}
	pyftpdlib := func(folder string) ([]string, error) {
		return []string{python, "-c", string(text), folder + "/served"}, nil
	}
	return []liveServer{
		{name: "vsftpd", op: "retr", command: withConfig("")},
		{name: "vsftpd under TLS", op: "retr", command: withConfig(vsftpdTLS + certificateOptions(t)), tls: true},
		// It cannot change its root and would look for the client's file in the real one.
		{name: "vsftpd of an ordinary user", op: "list", user: nobody, command: withConfig("run_as_launching_user=YES\n"), anyPort: true},
		{name: "pyftpdlib", op: "retr", command: pyftpdlib, anyPort: true, early: true},
		{name: "pyftpdlib of an ordinary user", op: "retr", user: nobody, command: pyftpdlib, anyPort: true, early: true},
	}
}

// asUser is what runs a command as another user, who finds /dev/net/tun as open as it is
// on most systems.
func asUser(user string, command []string) []string {
	if user == "" {
		return command
	}
	const script = `mount -t tmpfs -o mode=755 none /dev/net && mknod -m 666 /dev/net/tun c 10 200 && user=$1 && shift &&
exec setpriv --reuid $user --regid $user --clear-groups "$@"`
	return append([]string{"unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", user}, command...)
}

// serverFolder makes a folder in base that everybody may use, with what the servers serve
// in it.
func serverFolder(base string) (string, error) {
	folder, err := os.MkdirTemp(base, "")
	return folder, errors.Join(err,
		os.MkdirAll(folder+"/served/pub", 0o755),
		os.Mkdir(folder+"/empty", 0o755),
		os.WriteFile(folder+"/served/pub/readme.txt", make([]byte, 496), 0o644),
		os.Chmod(folder, 0o777),
	)
}

// TestLiveServers has the simulated client come to real servers through the firewalls of
// lesson 12: it fares as with the simulated server.
func TestLiveServers(t *testing.T) {
	t.Parallel() // it waits, mostly
	if os.Geteuid() != 0 {
		skipOrFail(t, "to become another user, and a server on port 21, takes root")
	}
	servers := liveServers(t)
	needLive(t)
	letOthersRun(t)
	// Other users cannot enter t.TempDir().
	base, err := os.MkdirTemp("", "ftplab-live-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	variants := []string{"acl", "stateful", "inspect"}
	if testing.Short() {
		variants = []string{"stateful"}
	}
	var trials []*liveTrial
	for _, s := range servers {
		for _, variant := range variants {
			for _, mode := range []string{"pasv", "epsv", "port", "eprt"} {
				selectors := []string{"--op", s.op, "--mode", mode, "--firewall", variant, fmt.Sprintf("--tls=%v", s.tls)}
				want := simulated(t, append([]string{"12"}, selectors...)...)
				trials = append(trials, &liveTrial{
					name: s.name + "/" + variant + "/" + mode,
					run: func() liveRun {
						folder, noFolder := serverFolder(base)
						command, err := s.command(folder)
						if err = errors.Join(noFolder, err); err != nil {
							return liveRun{err: err}
						}
						return runLive(folder, "12", s.user, command, append([]string{"--server"}, selectors...)...)
					},
					judge: func(ran *liveRun) []string { return s.compare(ran, want) },
				})
			}
		}
	}
	tryAll(t, trials)
}

// letOthersRun lets every user run the ftplab that the tests run.
func letOthersRun(t *testing.T) {
	t.Helper()
	at, err := exec.LookPath("ftplab")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{filepath.Dir(at), filepath.Dir(filepath.Dir(at))} {
		if info, err := os.Stat(folder); err != nil || info.Mode()&0o001 != 0 {
			continue
		}
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// simulated returns the report of a run.
func simulated(t *testing.T, args ...string) *report.Run {
	t.Helper()
	var out, problems bytes.Buffer
	cmd := exec.Command("ftplab", append([]string{"run", "--format", "json"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, problems.String())
	}
	var run report.Run
	if err := json.Unmarshal(out.Bytes(), &run); err != nil {
		t.Fatal(err)
	}
	return &run
}

// compare compares what became of the client with what a simulated server makes of it,
// and says what differs.
func (s *liveServer) compare(ran *liveRun, want *report.Run) (wrong []string) {
	if ran.err != nil {
		return []string{ran.err.Error()}
	}
	got := &ran.report
	judgement := func(r *report.Run) string {
		return fmt.Sprintf("%s in %s, %s, reply %s", r.Outcome, r.Phase, r.FailureClass, code(r))
	}
	expected, drop := judgement(want), reportedDrop(want.FirstDrop)
	failsActive := (got.Mode == "port" || got.Mode == "eprt") && want.FirstDrop != nil
	switch {
	case failsActive && s.anyPort && got.Firewall == "acl":
		// It keeps out what comes from port 20, not what comes from ports like those of
		// the answers to passive connections.
		expected, drop = "ok in final_reply, none, reply 226", "none"
	case failsActive && s.early:
		expected = "421 in data_setup, delayed, reply 421"
		fallthrough
	case failsActive && s.anyPort:
		drop = strings.Replace(drop, ":20>", ":client's>", 1)
	}
	check := func(what string, got, want any) {
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s is %v, with the simulated server %v", what, got, want))
		}
	}
	check("the outcome", judgement(got), expected)
	check("TLS", got.TLS, s.tls)
	check("the first drop", reportedDrop(got.FirstDrop), drop)
	check("the exit status of a server that is told to end", ran.status, 0)
	if got.OK() && s.op == "retr" {
		check("the number of octets", got.Transfer.Bytes, int64(496))
	}
	return wrong
}

// code is that of the failing or final reply, "" if there is none.
func code(r *report.Run) string {
	if r.ServerReply == nil {
		return ""
	}
	return firstWord(*r.ServerReply)
}
