package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"ftplab/lessons/session"
	"ftplab/sim/ftp"
	"ftplab/sim/report"
)

// ftplibTransfer is an FTPS client made of Python's ftplib.
const ftplibTransfer = `
import ftplib, sys
mode, command, path, name = sys.argv[1:]
f = ftplib.FTP_TLS(timeout=10)
f.connect("192.168.10.1")
f.login("ann", "secret")
f.prot_p()
f.set_pasv(mode == "pasv")
if command == "RETR":
    with open(name, "wb") as out:
        f.retrbinary("RETR " + path, out.write)
else:
    with open(name, "rb") as data:
        f.storbinary("STOR " + path, data)
f.quit()
`

// tlsTransfers are how FTPS clients, in a mode, fetch /big.bin into a file, and store the
// file as /up.bin.
func tlsTransfers(t *testing.T) map[string]func(file string) (fetch, store []string) {
	curl, lftp, python := livePeer(t, "curl"), livePeer(t, "lftp"), livePeer(t, "python3")
	const url = "ftp://192.168.10.1/"
	curlWith := func(options ...string) func(string) (fetch, store []string) {
		return func(file string) (fetch, store []string) {
			common := append([]string{curl, "-sS", "-k", "--ssl-reqd", "--max-time", "20", "-u", "ann:secret"}, options...)
			fetch = append(common[:len(common):len(common)], "-o", file, url+"big.bin")
			return fetch, append(common[:len(common):len(common)], "-T", file, url+"up.bin")
		}
	}
	lftpWith := func(passive string) func(string) (fetch, store []string) {
		return func(file string) (fetch, store []string) {
			do := func(what string) []string {
				return []string{lftp, "-u", "ann,secret", "-e", lftpTLS + "set cmd:fail-exit yes; set net:timeout 10; set net:max-retries 1; " +
					"set ftp:passive-mode " + passive + "; " + what + "; quit", "ftp://192.168.10.1"}
			}
			return do("get big.bin -o " + file), do("put " + file + " -o up.bin")
		}
	}
	ftplibIn := func(mode string) func(string) (fetch, store []string) {
		return func(file string) (fetch, store []string) {
			common := []string{python, "-c", ftplibTransfer, mode}
			return append(common[:4:4], "RETR", "big.bin", file), append(common[:4:4], "STOR", "up.bin", file)
		}
	}
	return map[string]func(file string) (fetch, store []string){
		"curl/epsv": curlWith(), "curl/pasv": curlWith("--disable-epsv"),
		"curl/pasv, TLS 1.2": curlWith("--disable-epsv", "--tls-max", "1.2"),
		"curl/pasv, CCC":     curlWith("--disable-epsv", "--ftp-ssl-ccc"),
		"lftp/pasv":          lftpWith("on"), "lftp/port": lftpWith("off"),
		"ftplib/pasv": ftplibIn("pasv"), "ftplib/port": ftplibIn("port"),
	}
}

// tlsNetwork is a network with something to fetch, and with who may write.
const tlsNetwork = `title: a client and a server
nodes:
  client: {interfaces: {eth0: 192.168.20.2/24}, gateway: 192.168.20.1}
  router:
    kind: firewall
    interfaces: {lan: {address: 192.168.20.1/24, side: lan}, wan: {address: 192.168.10.254/24, side: wan}}
  server: {interfaces: {eth0: 192.168.10.1/24}, gateway: 192.168.10.254}
links:
  - {ends: [client, router lan], delay: 1ms}
  - {ends: [router wan, server], delay: 1ms}
servers:
  server: {users: {ann: secret}, ssl_enable: yes, files: {big.bin: 1000000}}
clients:
  client: {server: 192.168.10.1, retr: big.bin}
firewall: router
`

// TestLiveTLSTransfers: 1 MB down and up, whole, and the same again from the session.
func TestLiveTLSTransfers(t *testing.T) {
	transfers := tlsTransfers(t)
	needLive(t)
	network, content := filepath.Join(t.TempDir(), "network.yaml"), ftp.Pattern(1_000_000)
	if err := os.WriteFile(network, []byte(tlsNetwork), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, commands := range transfers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "file")
			fetch, store := commands(file)
			down, _ := liveTwice(t, network, fetch)
			if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d octets came that are not those of the file: %v", len(got), err)
			}
			if down.Outcome != "ok" || down.Op != "retr" || down.Transfer.Bytes != int64(len(content)) {
				t.Errorf("down: %s of %s, %d octets", down.Outcome, down.Op, down.Transfer.Bytes)
			}
			up, saved := liveTwice(t, network, store)
			if up.Outcome != "ok" || up.Op != "stor" || up.Transfer.Bytes != int64(len(content)) {
				t.Errorf("up: %s of %s, %d octets", up.Outcome, up.Op, up.Transfer.Bytes)
			}
			// The second TLS connection that began is the data connection's.
			var got []byte
			for _, step := range saved.Live.TLS[1].Steps {
				got = append(got, step.Plain...)
			}
			if !bytes.Equal(got, content) {
				t.Errorf("%d octets came to the server that are not those of the file", len(got))
			}
		})
	}
}

// liveTwice runs a command as the client of a target, and then the saved session, which
// must be the same.
func liveTwice(t *testing.T, target string, command []string) (report.Run, *session.Session) {
	t.Helper()
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	ran := runLive(folder, target, "", command, "--save", at("saved.json"), "--pcap", at("live.pcapng"))
	if ran.err != nil || !ran.report.TLS {
		t.Fatalf("TLS %v, %v\n%s", ran.report.TLS, ran.err, ran.output)
	}
	again := runSaved(t, at("saved.json"), "--pcap", at("again.pcapng"))
	if again.Outcome != ran.report.Outcome || again.Stats.Events != ran.report.Stats.Events || !again.TLS {
		t.Errorf("the session gives %s in %d events, recorded were %s in %d", again.Outcome, again.Stats.Events, ran.report.Outcome, ran.report.Stats.Events)
	}
	if !bytes.Equal(readFile(t, at("live.pcapng")), readFile(t, at("again.pcapng"))) {
		t.Error("the session has other packets than were recorded")
	}
	saved, err := session.Read("saved.json", readFile(t, at("saved.json")))
	if err != nil {
		t.Fatal(err)
	}
	if t.Failed() {
		t.Log(ran.output)
	}
	return ran.report, saved
}

// runSaved runs a saved session.
func runSaved(t *testing.T, file string, options ...string) report.Run {
	t.Helper()
	printed, err := exec.Command("ftplab", append([]string{"run", file, "--format", "json"}, options...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var run report.Run
	if err := json.Unmarshal(printed, &run); err != nil {
		t.Fatal(err)
	}
	return run
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestLiveTLSServer: a simulated client speaks TLS with a real server, which is ours.
func TestLiveTLSServer(t *testing.T) {
	needLive(t)
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, tableFile), ftp.Pattern(100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"pasv", "port"} {
		saved := filepath.Join(t.TempDir(), "saved.json")
		ran := runLive(t.TempDir(), "linux/1", "", []string{"ftplab", "serve", "--listen", ":21", "--root", root}, "--server", "--tls", "--mode", mode, "--save", saved)
		if ran.err != nil || ran.status != 0 {
			t.Fatalf("status %d, %v\n%s", ran.status, ran.err, ran.output)
		}
		for _, run := range []report.Run{ran.report, runSaved(t, saved)} {
			if run.Outcome != "ok" || run.Mode != mode || !run.TLS || run.Transfer.Bytes != 100_000 {
				t.Errorf("%s in mode %s, TLS %v, %d octets\n%s", run.Outcome, run.Mode, run.TLS, run.Transfer.Bytes, ran.output)
			}
		}
	}
}
