package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"ftplab/lessons"
	"ftplab/sim/report"
)

// tableRows are the rows of the truth table through which real clients go: no firewall,
// stateless ones, stateful ones without and with the helper, NAT on either side without
// and with it, and all ways to refuse. Rows that need a client which splits its commands
// or lies in them are nothing for a real one.
var tableRows = []string{
	"1", "2", "3", "4", "5", "6", "7", "8", "8b", "9", "10", "11", "12", "12b", "13", "14", "14b", "15", "15b", "16", "16b",
	"17", "17c", "18", "18b", "18c", "19",
}

// shortRows are those of `go test -short`.
var shortRows = []string{"2", "8", "9", "13", "14", "18"}

// clientSeconds is how long the clients wait for a connection or a reply: longer than the
// rows' server, whose 425 comes after 4 s.
const clientSeconds = 6

// atOnce is how many clients run at a time. Nearly all of their time they wait.
const atOnce = 32

// liveClient is a real client in one of its modes.
type liveClient struct {
	name, mode string
	// fallback is the mode that the client tries next when the server, or nobody,
	// answers the first one; "" if there is none.
	fallback string
	op       string // "" stands for retr
	command  liveCommand
	tls      bool
}

// liveCommand makes the command line of a client for the server at an address, which may
// have files of its own in a folder.
type liveCommand func(server, folder string) ([]string, error)

// cell returns what the table says of a mode; no row if it says nothing.
func (c *liveClient) cell(table map[string]liveCell, row, mode string) liveCell {
	if c.tls {
		mode = "ftps_" + mode
	}
	return table[row+"/"+mode+"-"+cmp.Or(c.op, "retr")]
}

func (c *liveClient) String() string {
	name := c.name
	if c.tls {
		name += " under TLS"
	}
	return strings.TrimSuffix(name+"/"+c.mode+"/"+c.op, "/")
}

const tableFile = "file3k.bin" // 3000 octets

func liveClients(t *testing.T) []liveClient {
	curl, lftp, tnftp, python := livePeer(t, "curl"), livePeer(t, "lftp"), livePeer(t, "tnftp"), livePeer(t, "python3")
	script, err := filepath.Abs("testdata/peers/retr.py")
	if err != nil {
		t.Fatal(err)
	}
	seconds := fmt.Sprint(clientSeconds)
	return slices.Concat(
		curlModes(curl, seconds), lftpModes(lftp, seconds), tnftpModes(tnftp, seconds), ftplibModes(python, script, seconds),
	)
}

func curlModes(curl, seconds string) []liveClient {
	with := func(options ...string) liveCommand {
		return func(server, folder string) ([]string, error) {
			// Without the last option curl dials the server, whatever its 227 says.
			command := []string{curl, "-sS", "--connect-timeout", seconds, "--max-time", "20", "--no-ftp-skip-pasv-ip", "-o", folder + "/file"}
			return append(append(command, options...), "ftp://"+server+"/"+tableFile), nil
		}
	}
	list := func(options ...string) liveCommand {
		return func(server, folder string) ([]string, error) {
			command, err := with(options...)(server, folder)
			command[len(command)-1] = "ftp://" + server + "/"
			return command, err
		}
	}
	stor := func(options ...string) liveCommand {
		return func(server, folder string) ([]string, error) {
			upload := folder + "/upload"
			command, err := with(append(options, "--upload-file", upload)...)(server, folder)
			command[len(command)-1] = "ftp://" + server + "/incoming/up.bin"
			return command, errors.Join(err, os.WriteFile(upload, make([]byte, 3000), 0o600))
		}
	}
	return []liveClient{
		{name: "curl", mode: "pasv", command: with("--disable-epsv")},
		{name: "curl", mode: "epsv", fallback: "pasv", command: with()},
		{name: "curl", mode: "port", command: with("--ftp-port", "-", "--disable-eprt")},
		{name: "curl", mode: "eprt", fallback: "port", command: with("--ftp-port", "-")},
		{name: "curl", mode: "epsv", fallback: "pasv", op: "list", command: list()},
		{name: "curl", mode: "eprt", fallback: "port", op: "list", command: list("--ftp-port", "-")},
		{name: "curl", mode: "pasv", op: "stor", command: stor("--disable-epsv")},
		{name: "curl", mode: "port", op: "stor", command: stor("--ftp-port", "-", "--disable-eprt")},
		// curl 7.87 and 7.88 hang in active FTPS with every server (curl issue 10666).
		{name: "curl", mode: "pasv", command: with("--disable-epsv", "--ssl-reqd", "--insecure"), tls: true},
	}
}

// lftpModes: over IPv4 lftp knows PORT, not EPRT.
func lftpModes(lftp, seconds string) []liveClient {
	with := func(passive, epsv string, settings ...string) liveCommand {
		return func(server, folder string) ([]string, error) {
			return []string{lftp, "-c", "set cmd:fail-exit yes; set net:timeout " + seconds + "; set net:max-retries 1; " +
				"set ftp:fix-pasv-address no; set ftp:auto-passive-mode no; " +
				"set ftp:passive-mode " + passive + "; set ftp:prefer-epsv " + epsv + "; " + strings.Join(settings, "") +
				"open " + server + "; get " + tableFile + " -o " + folder + "/file"}, nil
		}
	}
	return []liveClient{
		{name: "lftp", mode: "pasv", command: with("yes", "no")},
		{name: "lftp", mode: "epsv", command: with("yes", "yes")},
		{name: "lftp", mode: "port", command: with("no", "no")},
		{name: "lftp", mode: "pasv", command: with("yes", "no", lftpTLS), tls: true},
		{name: "lftp", mode: "port", command: with("no", "no", lftpTLS), tls: true},
	}
}

// lftpTLS are lftp's settings for FTPS.
const lftpTLS = "set ssl:verify-certificate no; set ftp:ssl-force yes; set ftp:ssl-allow-anonymous yes; set ftp:ssl-protect-data yes; "

// tnftpModes: tnftp takes the extended commands first; a macro in .netrc forbids them.
func tnftpModes(tnftp, seconds string) []liveClient {
	with := func(mode, epsv string) liveCommand {
		return func(server, folder string) ([]string, error) {
			netrc := folder + "/netrc"
			text := "machine " + server + " login anonymous password x@\nmacdef init\nepsv4 " + epsv + "\n\n"
			return []string{tnftp, mode, "-q", seconds, "-N", netrc, "-o", folder + "/file", "ftp://" + server + "/" + tableFile},
				os.WriteFile(netrc, []byte(text), 0o600)
		}
	}
	return []liveClient{
		{name: "tnftp", mode: "pasv", command: with("-p", "off")},
		{name: "tnftp", mode: "epsv", fallback: "pasv", command: with("-p", "on")},
		{name: "tnftp", mode: "port", command: with("-A", "off")},
		{name: "tnftp", mode: "eprt", fallback: "port", command: with("-A", "on")},
	}
}

func ftplibModes(python, script, seconds string) []liveClient {
	var all []liveClient
	for _, mode := range []string{"pasv", "epsv", "port", "eprt"} {
		all = append(all, liveClient{name: "ftplib", mode: mode, command: func(server, _ string) ([]string, error) {
			return []string{python, script, server, tableFile, mode, seconds}, nil
		}})
	}
	for _, mode := range []string{"pasv", "port"} {
		all = append(all, liveClient{name: "ftplib", mode: mode, tls: true, command: func(server, _ string) ([]string, error) {
			return []string{python, script, server, tableFile, mode, seconds, "tls"}, nil
		}})
	}
	return all
}

// livePeer finds a program of another project, or skips the test; FTPLAB_REQUIRE_PEERS=1
// makes it fail instead. The system's own come first: what stands before them in PATH may
// be a script that takes its time.
func livePeer(t *testing.T, name string) string {
	t.Helper()
	for _, at := range []string{"/usr/bin/" + name, "/usr/sbin/" + name, name} {
		if path, err := exec.LookPath(at); err == nil {
			return path
		}
	}
	skipOrFail(t, name+" is not installed")
	return ""
}

func skipOrFail(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("FTPLAB_REQUIRE_PEERS") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// needLive skips the test where the system allows no network of one's own.
func needLive(t *testing.T) {
	t.Helper()
	out, err := exec.Command("ftplab", "live", "linux/1", "--quiet", "--no-play", "--", "/bin/true").CombinedOutput()
	if err != nil {
		skipOrFail(t, "ftplab live does not work here: "+strings.TrimSpace(string(out)))
	}
}

// liveCell is a cell of the truth table.
type liveCell struct {
	Row          string    `json:"row"`
	Column       string    `json:"column"`
	Outcome      string    `json:"outcome"`
	FailureClass string    `json:"failure_class"`
	Phase        string    `json:"phase"`
	ServerReply  string    `json:"server_reply"`
	FirstDrop    *liveDrop `json:"first_drop"`
}

// liveDrop is a drop as the table has it.
type liveDrop struct {
	Router, Hook, Rule, Src, Dst, Flags string
	Sport, Dport                        uint16
	State                               *string `json:"ct_state"`
}

func readTable(t *testing.T) map[string]liveCell {
	t.Helper()
	text, err := os.ReadFile("../../lessons/testdata/truth_table.json")
	if err != nil {
		t.Fatal(err)
	}
	var cells []liveCell
	if err := json.Unmarshal(text, &cells); err != nil {
		t.Fatal(err)
	}
	table := map[string]liveCell{}
	for _, c := range cells {
		table[c.Row+"/"+strings.ToLower(c.Column)] = c
	}
	return table
}

// liveRun is what became of one client.
type liveRun struct {
	report report.Run
	status int
	output string
	err    error
}

// TestLiveClients has real clients fetch a file through the rows of the truth table: what
// becomes of it, and what is dropped first, is what the Linux kernel and vsftpd made of
// it.
func TestLiveClients(t *testing.T) {
	t.Parallel() // it waits, mostly
	clients := liveClients(t)
	needLive(t)
	table := readTable(t)
	rows := tableRows
	if testing.Short() {
		rows = shortRows
	}
	base := t.TempDir()
	var trials []*liveTrial
	for _, row := range rows {
		server := serverOf(t, row)
		for _, c := range clients {
			trials = append(trials, &liveTrial{
				name: row + "/" + c.String(),
				run: func() liveRun {
					folder, noFolder := os.MkdirTemp(base, "")
					command, err := c.command(server, folder)
					if err = errors.Join(noFolder, err); err != nil {
						return liveRun{err: err}
					}
					return runLive(folder, "linux/"+row, "", withFarPorts(command))
				},
				judge: func(ran *liveRun) []string { return c.compare(table, row, ran) },
			})
		}
	}
	tryAll(t, trials)
}

// liveTrial is a session of a real program.
type liveTrial struct {
	name  string
	run   func() liveRun
	judge func(*liveRun) []string // what is wrong
	ran   liveRun
}

// tryAll runs the trials side by side. One with which something is wrong has another
// chance, alone: on a busy machine real programs give up too early.
func tryAll(t *testing.T, trials []*liveTrial) {
	var wait sync.WaitGroup
	room := make(chan struct{}, atOnce)
	for _, one := range trials {
		wait.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			one.ran = one.run()
		})
	}
	wait.Wait()
	for _, one := range trials {
		t.Run(one.name, func(t *testing.T) {
			wrong := one.judge(&one.ran)
			if len(wrong) == 0 {
				return
			}
			t.Logf("the first time: %s\n%s", strings.Join(wrong, "; "), one.ran.output)
			again := one.run()
			for _, problem := range one.judge(&again) {
				t.Error(problem)
			}
			if t.Failed() {
				t.Log(again.output)
			}
		})
	}
}

// serverOf returns the address that the client of a row dials.
func serverOf(t *testing.T, row string) string {
	t.Helper()
	target, err := lessons.Open("linux/" + row)
	if err != nil {
		t.Fatal(err)
	}
	sc, err := target.Scenario(target.Default)
	if err != nil {
		t.Fatal(err)
	}
	return sc.Clients[0].Config.Server.Addr().String()
}

// withFarPorts has the ports of a command lie far from the servers' passive ones, so that
// port can tell them apart. It needs root.
func withFarPorts(command []string) []string {
	if os.Getuid() != 0 {
		return command
	}
	return append([]string{"sh", "-c", `echo 50000 60999 >/proc/sys/net/ipv4/ip_local_port_range; exec "$0" "$@"`}, command...)
}

// runLive runs a command in the network of a target, and ftplab as a user, "" for the one
// of the test.
func runLive(folder, target, user string, command []string, options ...string) (ran liveRun) {
	file := folder + "/report.json"
	args := append([]string{"ftplab", "live", target, "--no-play", "--report", file}, options...)
	args = asUser(user, append(append(args, "--"), command...))
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "HOME="+folder, "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	ran.status, ran.output = cmd.ProcessState.ExitCode(), string(out)
	text, readErr := os.ReadFile(file)
	if readErr != nil {
		ran.err = fmt.Errorf("%w, %w", readErr, err)
		return ran
	}
	ran.err = json.Unmarshal(text, &ran.report)
	return ran
}

// compare compares what became of the client with the table, and says what differs.
func (c *liveClient) compare(table map[string]liveCell, row string, ran *liveRun) (wrong []string) {
	if ran.err != nil {
		return []string{ran.err.Error()}
	}
	run := &ran.report
	// The outcome is that of the mode which was tried last, the first drop that of the
	// first, if it had one.
	tried, last := c.cell(table, row, c.mode), c.cell(table, row, run.Mode)
	if run.Mode != c.mode && run.Mode != c.fallback || tried.Row == "" || last.Row == "" {
		return []string{"the mode is " + run.Mode + ", of which the table says nothing"}
	}
	if c.name == "tnftp" && run.Mode == "pasv" && last.FirstDrop != nil && last.FirstDrop.Hook == "routing" {
		// The 227 names the server's private address, which leads nowhere. tnftp does not
		// try: it wants the address that it speaks with.
		tried, last = liveCell{Row: row}, liveCell{Row: row, Outcome: "bad_reply", FailureClass: "immediate", Phase: "data_setup"}
	}
	drop := tried.FirstDrop
	if drop == nil {
		drop = last.FirstDrop
	}
	outcome, _, _ := strings.Cut(last.Outcome, ":")
	class, _, _ := strings.Cut(last.FailureClass, "_")
	check := func(what string, got, want any) {
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s is %v, the kernel's is %v", what, got, want))
		}
	}
	check("TLS", run.TLS, c.tls)
	check("outcome", run.Outcome, outcome)
	check("phase", run.Phase, last.Phase)
	check("failure class", run.FailureClass, class)
	check("reply code", code(run), firstWord(last.ServerReply))
	check("first drop", reportedDrop(run.FirstDrop), drop.text())
	check("success in the client's eyes", ran.status == 0, run.OK())
	if run.OK() {
		check("operation", run.Op, cmp.Or(c.op, "retr"))
	}
	if run.OK() && c.op != "list" {
		check("octets", run.Transfer.Bytes, int64(3000))
	}
	return wrong
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

// port says which one it is: clients choose theirs as they like.
func port(number uint16) string {
	switch {
	case number == 20, number == 21, number == 2024:
		return fmt.Sprint(number)
	case number >= 40000 && number <= 40010:
		return "passive"
	}
	return "client's"
}

func (d *liveDrop) text() string {
	if d == nil {
		return "none"
	}
	rule, state := d.Rule, ""
	if d.Hook == "routing" {
		rule = ""
	} else if d.State != nil {
		state = *d.State
	}
	return fmt.Sprintf("%s %s %s:%s>%s:%s [%s] %s %s", d.Router, d.Hook, d.Src, port(d.Sport), d.Dst, port(d.Dport), d.Flags, rule, state)
}

func reportedDrop(d *report.Drop) string {
	if d == nil {
		return "none"
	}
	rule, state := "", ""
	if d.Rule != nil {
		_, rule, _ = strings.Cut(d.Rule.Text, `comment "`)
		rule = strings.TrimSuffix(rule, `"`)
	}
	if d.State != nil {
		state = *d.State
	}
	return fmt.Sprintf("%s %s %s:%s>%s:%s [%s] %s %s", d.Node, d.Hook, d.Src, port(d.Sport), d.Dst, port(d.Dport), d.Flags, rule, state)
}
