package ftpnet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"time"

	"ftplab/sim/ftp"
)

// Request is a session with a server: what to reach, and how. Get, Put and List each
// make one session of it.
type Request struct {
	Target *Target
	// Mode is how data connections are made. ModeUnset is EPSV, then PASV where a
	// server does not know it.
	Mode ftp.Mode
	// Resume continues a file that is there in part.
	Resume bool
	// Timeouts bound the waiting; the zero value is DefaultTimeouts.
	Timeouts ftp.Timeouts

	// InsecureSkipVerify takes any certificate. RootCAs is who may have signed it; nil
	// is whom the system trusts.
	InsecureSkipVerify bool
	RootCAs            *x509.CertPool

	// Progress, if set, is called as octets move, from one goroutine; total is -1 while
	// it is not known. Both count from the start of the file, also when resuming.
	Progress func(moved, total int64)
	// Dialogue, if set, gets every line of the control connection, without passwords.
	Dialogue func(line string, sent bool)
	Log      *slog.Logger
}

// DefaultTimeouts are those of the client on real networks.
func DefaultTimeouts() ftp.Timeouts {
	return ftp.Timeouts{
		Connect: 30 * time.Second,
		Reply:   time.Minute,
		Data:    time.Minute,
		TLS:     30 * time.Second,
		Quit:    5 * time.Second,
	}
}

// SessionError is a session that did not do what it was asked for.
type SessionError struct{ Result *ftp.Result }

// Error says what happened, where in the session, and what to try.
func (e *SessionError) Error() string {
	text := e.Result.Detail
	if text == "" {
		text = e.Result.Outcome
	}
	text = fmt.Sprintf("%s (%s)", text, e.Result.Phase)
	switch {
	case e.Result.Phase == ftp.PhaseDataConnect:
		text += ": the control connection works, the data connection does not: a firewall, or an address that is not reachable from here; try another mode"
	case e.Result.Phase == ftp.PhaseTransfer && e.Result.Outcome == "425":
		text += ": the server could not open its connection to us; try passive mode"
	}
	return text
}

// Get fetches the target's file into a local one; "-" writes to stdout.
func (r *Request) Get(ctx context.Context, local string, stdout io.Writer) (*ftp.Result, error) {
	step := ftp.Step{Op: ftp.OpRetrieve, Path: r.Target.Path, LocalPath: "/-"}
	if local == "-" {
		return r.run(ctx, step, &stream{w: stdout}, -1)
	}
	files, name, err := localFolder(local)
	if err != nil {
		return nil, err
	}
	defer files.root.Close()
	defer files.closeAll()
	step.LocalPath = name
	if info, err := files.Stat(name); r.Resume && err == nil {
		step.Offset, step.Resume = info.Size, true
	}
	return r.run(ctx, step, files, -1)
}

// Put sends a local file to the target; "-" reads stdin.
func (r *Request) Put(ctx context.Context, local string, stdin io.Reader) (*ftp.Result, error) {
	step := ftp.Step{Op: ftp.OpStore, Path: r.Target.Path, LocalPath: "/-", Resume: r.Resume}
	if local == "-" {
		if r.Resume {
			return nil, errors.New("standard input cannot be resumed: it has no beginning to skip")
		}
		return r.run(ctx, step, &stream{r: stdin}, -1)
	}
	files, name, err := localFolder(local)
	if err != nil {
		return nil, err
	}
	defer files.root.Close()
	defer files.closeAll()
	step.LocalPath = name
	info, err := files.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", local, err)
	}
	return r.run(ctx, step, files, info.Size)
}

// List returns the server's listing of the target: as of ls, or the names alone.
func (r *Request) List(ctx context.Context, namesOnly bool) ([]byte, *ftp.Result, error) {
	op := ftp.OpList
	if namesOnly {
		op = ftp.OpNameList
	}
	result, err := r.run(ctx, ftp.Step{Op: op, Path: r.Target.Path}, nil, -1)
	if err != nil {
		return nil, result, err
	}
	var all []byte
	for _, block := range result.Data {
		all = append(all, block...)
	}
	return all, result, nil
}

// localFolder opens the folder that a local file is in.
func localFolder(local string) (files *folder, name string, err error) {
	dir, base := filepath.Split(local)
	if base == "" {
		return nil, "", fmt.Errorf("%s is a directory: name a file", local)
	}
	if dir == "" {
		dir = "."
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, "", fmt.Errorf("cannot open the directory of %s: %w", local, err)
	}
	return newFolder(root), "/" + base, nil
}

// run makes the session.
func (r *Request) run(ctx context.Context, step ftp.Step, files ftp.Files, total int64) (*ftp.Result, error) {
	log := r.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	timeouts := r.Timeouts
	if timeouts == (ftp.Timeouts{}) {
		timeouts = DefaultTimeouts()
	}
	conn, err := (&net.Dialer{Timeout: timeouts.Connect}).DialContext(ctx, "tcp", r.Target.Address())
	if err != nil {
		return nil, fmt.Errorf("cannot connect to %s: %w", r.Target.Address(), err)
	}
	config := ftp.DefaultClientConfig(addrPort(conn.RemoteAddr()))
	config.User, config.Password, config.TLS = r.Target.User, r.Target.Password, r.Target.TLS
	config.Script, config.Files = []ftp.Step{step}, files
	config.Timeouts = timeouts
	config.ProbeAfter = false
	// A server behind NAT often names an address that only it can reach; the server's
	// own is always right, unless somebody wants a third party attacked.
	config.UsePasvHost = false
	config.Mode = r.Mode
	if r.Mode == ftp.ModeUnset {
		config.Mode, config.Fallback = ftp.ModeEPSV, true
	}
	machine := ftp.NewClient(&config)
	var background sync.WaitGroup
	c := newCarrier(machine, log, time.Now(), &background)
	c.dial = func() (net.Conn, error) { return conn, nil }
	c.tls = r.tlsClient()
	p := &progress{report: r.Progress, dialogue: r.Dialogue, moved: step.Offset, total: total}
	c.note, c.moved = p.note, p.octets
	over := context.AfterFunc(ctx, func() { close(c.kill) })
	defer over()
	c.run(ftp.Input{Kind: ftp.Start})
	background.Wait()
	result := machine.Result()
	switch {
	case ctx.Err() != nil && !result.OK:
		return result, ctx.Err()
	case !result.OK:
		return result, &SessionError{result}
	}
	return result, nil
}

// tlsClient returns how to put TLS over a connection. All connections of a session
// share a cache: servers want the data connection to resume the control connection's
// TLS session, as proof that the same client made it.
func (r *Request) tlsClient() func(net.Conn) *tls.Conn {
	config := &tls.Config{
		ServerName:         r.Target.Host,
		InsecureSkipVerify: r.InsecureSkipVerify,
		RootCAs:            r.RootCAs,
		MinVersion:         tls.VersionTLS12,
		ClientSessionCache: tls.NewLRUClientSessionCache(8),
	}
	return func(conn net.Conn) *tls.Conn { return tls.Client(conn, config) }
}

// progress tells the caller what the machine notes and moves.
type progress struct {
	report   func(moved, total int64)
	dialogue func(line string, sent bool)
	moved    int64
	total    int64
}

// announcedSize is how servers say a file's size in their 150.
var announcedSize = regexp.MustCompile(`\((\d+) (?:bytes|octets)`)

func (p *progress) note(e ftp.Effect) {
	if e.Note != ftp.CommandSent && e.Note != ftp.ReplyReceived {
		return
	}
	if p.dialogue != nil {
		p.dialogue(e.Text, e.Note == ftp.CommandSent)
	}
	if m := announcedSize.FindStringSubmatch(e.Text); m != nil && e.Code == 150 && p.total < 0 {
		p.total, _ = strconv.ParseInt(m[1], 10, 64)
	}
}

func (p *progress) octets(n int) {
	p.moved += int64(n)
	if p.report != nil {
		p.report(p.moved, p.total)
	}
}
