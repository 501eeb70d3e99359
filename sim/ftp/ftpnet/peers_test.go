package ftpnet

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ftplab/sim/ftp"
)

// peer is an FTP server of another project: how it is started on a port of loopback,
// with a folder whose /incoming takes uploads.
type peer struct {
	name  string
	url   string // how its URLs begin, with "user:password@" unless anonymous
	start func(t *testing.T, port int, root string) *exec.Cmd
}

var peers = []peer{
	{"vsftpd", "ftp://", startVSFTPD},
	{"vsftpd with TLS", "ftpes://", startVSFTPDWithTLS},
	{"proftpd", "ftp://", startProFTPD},
	{"pure-ftpd", "ftp://ftplab:s3cret@", startPureFTPd},
	{"pyftpdlib", "ftp://", startPyftpdlib},
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func startVSFTPD(t *testing.T, port int, root string) *exec.Cmd {
	return vsftpd(t, port, root)
}

// startVSFTPDWithTLS has vsftpd insist that a data connection resumes the TLS session
// of the control connection, as it does by default.
func startVSFTPDWithTLS(t *testing.T, port int, root string) *exec.Cmd {
	made, err := SelfSigned([]string{"127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	both := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate[0]})
	both = append(both, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	file := writeFile(t, filepath.Join(t.TempDir(), "cert.pem"), string(both))
	return vsftpd(t, port, root, "ssl_enable=YES", "allow_anon_ssl=YES", "force_anon_logins_ssl=YES",
		"force_anon_data_ssl=YES", "require_ssl_reuse=YES", "ssl_ciphers=HIGH",
		"rsa_cert_file="+file, "rsa_private_key_file="+file)
}

func vsftpd(t *testing.T, port int, root string, more ...string) *exec.Cmd {
	server := program(t, "vsftpd")
	conf := []string{
		"listen=YES", "background=NO", "listen_address=127.0.0.1", "listen_port=" + strconv.Itoa(port),
		"anonymous_enable=YES", "no_anon_password=NO", "anon_root=" + root, "write_enable=YES",
		"anon_upload_enable=YES", "anon_umask=022", "anon_other_write_enable=YES", "xferlog_enable=NO",
		"pasv_address=127.0.0.1", "secure_chroot_dir=" + t.TempDir(),
	}
	conf = append(conf, more...)
	if os.Getuid() != 0 {
		conf = append(conf, "run_as_launching_user=YES")
	}
	return exec.Command(server, writeFile(t, filepath.Join(t.TempDir(), "conf"), strings.Join(conf, "\n")+"\n"))
}

func startProFTPD(t *testing.T, port int, root string) *exec.Cmd {
	server := program(t, "proftpd")
	run := t.TempDir()
	user, group := "nobody", "nogroup"
	anonymous := "ftp"
	if os.Getuid() != 0 {
		user, group, anonymous = os.Getenv("USER"), os.Getenv("USER"), os.Getenv("USER")
	}
	conf := fmt.Sprintf(`ServerType standalone
DefaultAddress 127.0.0.1
Port %d
User %s
Group %s
UseIPv6 off
UseReverseDNS off
WtmpLog off
RequireValidShell off
AllowStoreRestart on
PidFile %s/pid
ScoreboardFile %s/scoreboard
SystemLog %s/log
<Anonymous %s>
  User %s
  Group nogroup
  UserAlias anonymous %s
  AllowOverwrite on
  RequireValidShell off
  AllowStoreRestart on
</Anonymous>
`, port, user, group, run, run, run, root, anonymous, anonymous)
	return exec.Command(server, "-n", "-c", writeFile(t, filepath.Join(run, "conf"), conf))
}

func startPureFTPd(t *testing.T, port int, root string) *exec.Cmd {
	if os.Getuid() != 0 {
		t.Skip("pure-ftpd starts as root only")
	}
	server := program(t, "pure-ftpd")
	run := t.TempDir()
	users, db := filepath.Join(run, "users"), filepath.Join(run, "db")
	// A hash that takes no seconds, as those that pure-pw makes do; the password is s3cret.
	const hash = "$6$ftplab$uQEDC.RmpueymdOoTM8u61IimrlI6wGcvrRTwiv6Ifyrpvmx9FO9qePNEGicmjkeq8aAQLDaKtwPVoG9w7vlG1"
	writeFile(t, users, "ftplab:"+hash+":65534:65534::"+root+"/./::::::::::::\n")
	if out, err := exec.Command(program(t, "pure-pw"), "mkdb", db, "-f", users).CombinedOutput(); err != nil {
		t.Fatalf("pure-pw: %v: %s", err, out)
	}
	return exec.Command(server, "-4", "-H", "-E", "-l", "puredb:"+db, "-S", "127.0.0.1,"+strconv.Itoa(port), "-g", filepath.Join(run, "pid"))
}

func startPyftpdlib(t *testing.T, port int, root string) *exec.Cmd {
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if err := exec.Command(name, "-c", "import pyftpdlib").Run(); err != nil {
			continue
		}
		script := fmt.Sprintf(`
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer
a = DummyAuthorizer()
a.add_anonymous(%q, perm="elradfmw")
class H(FTPHandler):
    authorizer = a
FTPServer(("127.0.0.1", %d), H).serve_forever()
`, root, port)
		return exec.Command(name, writeFile(t, filepath.Join(t.TempDir(), "server.py"), script))
	}
	program(t, "python3 with pyftpdlib")
	return nil
}

// startPeer starts a server and waits until it listens.
func startPeer(t *testing.T, p peer) (address, root string) {
	t.Helper()
	root, err := os.MkdirTemp("", "ftplab-peer")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	incoming := filepath.Join(root, "incoming")
	if err := os.Mkdir(incoming, 0o777); err != nil {
		t.Fatal(err)
	}
	// The servers run as somebody else: whatever the umask, they must get in.
	os.Chmod(root, 0o755)
	os.Chmod(incoming, 0o777)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()
	cmd := p.start(t, l.Addr().(*net.TCPAddr).Port, root)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		select {
		case <-over:
		case <-time.After(2 * time.Second):
			cmd.Process.Kill()
			<-over
		}
		if t.Failed() {
			t.Logf("%s: %s", p.name, output.String())
		}
	})
	waitFor(t, p.name+" does not listen", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return address, root
}

// TestClientAgainstOtherServers moves files to and from vsftpd, proftpd, pure-ftpd and
// pyftpdlib, in every mode.
func TestClientAgainstOtherServers(t *testing.T) {
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			address, root := startPeer(t, p)
			want := content(700_001, 9)
			served := filepath.Join(root, "f")
			if err := os.WriteFile(served, want, 0o644); err != nil {
				t.Fatal(err)
			}
			for _, mode := range ftp.Modes() {
				t.Run(mode.String(), func(t *testing.T) { exchange(t, p.url+address, root, mode, want) })
			}
		})
	}
}

func exchange(t *testing.T, url, root string, mode ftp.Mode, want []byte) {
	var dialogue strings.Builder
	request := func(path string) *Request {
		target, err := ParseURL(url + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		timeouts := DefaultTimeouts()
		timeouts.Reply, timeouts.Data = 30*time.Second, 30*time.Second
		return &Request{Target: target, Mode: mode, InsecureSkipVerify: true, Timeouts: timeouts, Dialogue: func(line string, _ bool) { dialogue.WriteString(line + "\n") }}
	}
	same := func(what, name string, err error) {
		t.Helper()
		got, readErr := os.ReadFile(name)
		if err != nil || readErr != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d octets, %v, %v\n%s", what, len(got), err, readErr, dialogue.String())
		}
		dialogue.Reset()
	}
	local := filepath.Join(t.TempDir(), "l")
	_, err := request("f").Get(t.Context(), local, nil)
	same("get", local, err)
	if err := os.Truncate(local, 123_456); err != nil {
		t.Fatal(err)
	}
	again := request("f")
	again.Resume = true
	_, err = again.Get(t.Context(), local, nil)
	same("resume", local, err)
	up := "incoming/up-" + mode.String()
	_, err = request(up).Put(t.Context(), local, nil)
	same("put", filepath.Join(root, up), err)
	list, _, err := request("incoming").List(t.Context(), false)
	if err != nil || !strings.Contains(string(list), " 700001 ") {
		t.Errorf("list: %q, %v\n%s", list, err, dialogue.String())
	}
	_, err = request("nosuch").Get(t.Context(), local+"2", nil)
	if err == nil || !strings.Contains(err.Error(), "55") {
		t.Errorf("a missing file: %v\n%s", err, dialogue.String())
	}
}
