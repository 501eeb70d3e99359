package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ftplab/lessons"
	"ftplab/sim"
	"ftplab/sim/live"
	"ftplab/sim/report"
	"ftplab/ui/control"
	"ftplab/ui/view"
)

// liveOptions are the flags of `live`.
type liveOptions struct {
	selectors
	files   outputFiles
	display displayOptions
	report  string
	server  bool
	play    bool
	noPlay  bool
	quiet   bool
}

func newLiveCommand() *cobra.Command {
	var o liveOptions
	cmd := &cobra.Command{
		Use:   "live TARGET [flags] -- COMMAND ARG...",
		Short: "Run a real program inside the simulated network",
		Long: `Run a real program as the client of a lesson or scenario. It has a network of its
own, whose packets go through the simulated firewall to the simulated server, in real
time. What it did is recorded; when it has ended, the terminal application shows it, if
there is a terminal, and what became of it is said on standard error.

With --server the program is the server, and the simulated client comes to it as soon
as it listens; when the client is done the program is told to end.

The simulated server, or client, speaks real TLS if it is asked to. The certificate is of
its own making, so that clients have to be told to take it (curl --insecure).

The names of the network's nodes, and client and server, can be used as host names. With
--firewall FILE the rules are read again whenever the file changes. --mode and --op say
what the simulated client of --server does; a real one does what it likes.

The command ends when the program does, with its exit status. It needs Linux; root is not
needed where the system lets users make namespaces.`,
		Example: `  ftplab live 04 -- curl --max-time 10 ftp://192.168.10.1/pub/readme.txt
  ftplab live 12 --play -- lftp -e 'cat /pub/readme.txt; quit' server
  ftplab live 12 --server --mode port -- vsftpd vsftpd.conf`,
		ValidArgsFunction: completeTarget,
		Args: func(cmd *cobra.Command, args []string) error {
			if cmd.ArgsLenAtDash() != 1 || len(args) < 2 {
				return usageError{errors.New("want TARGET -- COMMAND ARG..., with the -- between them")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0], args[1:]) },
	}
	flags := cmd.Flags()
	o.selectors.addTo(flags)
	o.files.addTo(flags)
	o.display.addTo(flags)
	flags.StringVar(&o.report, "report", "", "write what came of it to `FILE`, in the form of run --format json")
	flags.BoolVar(&o.server, "server", false, "the program is the server, the client is simulated")
	flags.BoolVar(&o.play, "play", false, "open the terminal application while the program runs")
	flags.BoolVar(&o.noPlay, "no-play", false, "do not open the terminal application when the program has ended")
	flags.BoolVar(&o.quiet, "quiet", false, "say nothing of the result")
	return cmd
}

func (o *liveOptions) run(cmd *cobra.Command, name string, command []string) error {
	if err := o.files.check(); err != nil {
		return usageError{err}
	}
	if o.play && !hasTerminal() {
		return usageError{errors.New("--play needs a terminal")}
	}
	target, selection, err := o.open(cmd, name)
	if err != nil {
		return err
	}
	if target.Recorded() {
		return usageError{fmt.Errorf("%s is a recording: run its lesson or scenario", name)}
	}
	s, err := o.start(target, selection, command)
	if err != nil {
		return err
	}
	defer s.close()
	attended := make(chan attendance, 1)
	go func() {
		status, err := o.attend(cmd, s)
		attended <- attendance{status, err}
	}()
	if o.play {
		err = o.show(cmd, s)
		s.program.Stop()
	}
	done := <-attended
	if err := errors.Join(err, done.err); err != nil {
		return err
	}
	if err := o.finish(cmd, name, s); err != nil {
		return err
	}
	if done.status != 0 {
		return programError{done.status}
	}
	return nil
}

// attendance is how a program ended.
type attendance struct {
	status int
	err    error
}

// show opens the terminal application on the network while it runs.
func (o *liveOptions) show(cmd *cobra.Command, s *liveSession) error {
	return play(cmd, view.Options{
		Start: s.target, Selection: s.selection,
		Live: &control.Live{
			Scenario: &s.scenario, Trace: s.network.Trace, Now: s.network.Now,
			Running: func() bool { return !s.network.Ended() },
			Change:  func(variant string) error { return s.change(lessons.Change{Variant: variant}) },
		},
	}, o.display)
}

// liveSession is a program in a network.
type liveSession struct {
	target    *lessons.Target
	selection lessons.Selection
	scenario  sim.Scenario // with the program in it
	node      string       // where the program runs
	text      string       // the program as a person would type it
	port      uint16       // of the control connection
	program   *live.Program
	network   *live.Network
	output    *os.File // what the program wrote, if the terminal is taken; else nil

	mu      sync.Mutex
	changes []lessons.Change
}

func (s *liveSession) close() {
	s.program.Close()
	if s.output != nil {
		s.output.Close()
		os.Remove(s.output.Name())
	}
}

// start makes the network and has the program begin in it.
func (o *liveOptions) start(target *lessons.Target, selection lessons.Selection, command []string) (*liveSession, error) {
	scenario, err := target.Scenario(selection)
	if err != nil {
		return nil, err
	}
	s := &liveSession{target: target, selection: selection, node: scenario.ClientNode(), text: strings.Join(command, " "), port: 21}
	if o.server {
		s.node = scenario.ServerNode()
	}
	if len(scenario.Servers) > 0 && scenario.Servers[0].Port != 0 {
		s.port = scenario.Servers[0].Port
	}
	inside, err := insideOf(&scenario, s.node)
	if err != nil {
		return nil, err
	}
	if s.scenario, err = scenario.WithReal(s.node, s.text); err != nil {
		return nil, err
	}
	started := live.Command{Path: command[0], Args: command[1:], Env: environment(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	if o.play {
		if s.output, err = os.CreateTemp("", "ftplab-live-"); err != nil {
			return nil, err
		}
		started.Stdin, started.Stdout, started.Stderr = nil, s.output, s.output
	}
	if s.program, err = live.Start(inside, started); err != nil {
		return nil, err
	}
	if s.network, err = live.NewNetwork(s.scenario, s.node, s.program.TUN()); err != nil {
		return nil, errors.Join(err, s.program.Close())
	}
	return s, s.begin(o.server)
}

// insideOf describes the network as the program on a node finds it.
func insideOf(sc *sim.Scenario, node string) (live.Inside, error) {
	var inside live.Inside
	i := slices.IndexFunc(sc.Nodes, func(n sim.Node) bool { return n.Name == node })
	if i < 0 || len(sc.Nodes[i].Interfaces) != 1 {
		return inside, errors.New("the program's host needs to be a client or server of the scenario with one interface")
	}
	inside.Interface = "eth0"
	inside.Prefixes = sc.Nodes[i].Interfaces[0].Prefixes
	for _, n := range sc.Nodes {
		for _, f := range n.Interfaces {
			for _, p := range f.Prefixes {
				inside.Names = append(inside.Names, live.Name{Addr: p.Addr(), Names: hostNames(sc, n.Name)})
			}
		}
	}
	return inside, nil
}

// hostNames returns what a node can be called: by its name, and by what it is, if no
// node is named so.
func hostNames(sc *sim.Scenario, node string) []string {
	names := []string{node}
	for role, is := range map[string]string{"client": sc.ClientNode(), "server": sc.ServerNode()} {
		taken := slices.ContainsFunc(sc.Nodes, func(n sim.Node) bool { return n.Name == role })
		if is == node && !taken {
			names = append(names, role)
		}
	}
	return names
}

// environment is this process's own, without proxies: they are not in the network.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return strings.HasSuffix(strings.ToLower(name), "_proxy")
	})
}

// serverPatience is how long a server may take until it listens.
const serverPatience = 15 * time.Second

// begin has the program begin. Time in the network begins with it, or, if it is the
// server, when it listens.
func (s *liveSession) begin(server bool) error {
	if err := s.program.Go(); err != nil {
		return errors.Join(err, s.program.Close())
	}
	for until := time.Now().Add(serverPatience); server && !s.program.Listening(s.port); {
		if time.Now().After(until) || s.program.Ended() {
			return errors.Join(fmt.Errorf("%s does not listen on port %d", s.text, s.port), s.program.Close())
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.network.Begin()
	return nil
}

// attend carries packets until the program has ended and what it left behind has come to
// rest, and returns its exit status.
func (o *liveOptions) attend(cmd *cobra.Command, s *liveSession) (int, error) {
	ran := make(chan error, 1)
	go func() { ran <- s.network.Run() }()
	// The terminal sends its signals to the program, too, which decides what they mean.
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	watch := newFileWatch(o.rulesFile())
	ended := make(chan int, 1)
	var failure error
	go func() {
		status, err := s.program.Wait()
		failure = err
		ended <- status
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	toldToEnd := false
	for {
		select {
		case status := <-ended:
			time.Sleep(aftermath)
			s.network.End(s.endText(status, toldToEnd))
			if toldToEnd {
				status = 0
			}
			return status, errors.Join(failure, <-ran)
		case sig := <-signals:
			if sig == syscall.SIGTERM || sig == syscall.SIGHUP {
				s.program.Signal(sig)
			}
		case <-tick.C:
			if watch.changed() {
				o.reload(cmd, s)
			}
			if since, done := s.network.ClientsDone(); o.server && done && since > serverLinger && !toldToEnd {
				toldToEnd = true
				s.program.Signal(syscall.SIGTERM)
			}
		}
	}
}

const (
	// aftermath is how long the network goes on when the program has ended, so that the
	// ends of its connections are seen.
	aftermath = 300 * time.Millisecond
	// serverLinger is how long a server goes on when the client is done.
	serverLinger = time.Second
)

func (s *liveSession) endText(status int, toldToEnd bool) string {
	name, _, _ := strings.Cut(s.text, " ")
	if toldToEnd {
		return name + " was told to end"
	}
	return fmt.Sprintf("%s ended with status %d", name, status)
}

// rulesFile is the file of --firewall; "" if it is none, or cannot be read again.
func (o *liveOptions) rulesFile() string {
	if o.rules == nil || o.firewall == "-" {
		return ""
	}
	return o.firewall
}

// reload replaces the firewall's rules by what the file says now. What cannot be read is
// said, and changes nothing.
func (o *liveOptions) reload(cmd *cobra.Command, s *liveSession) {
	rules, err := readRules(cmd, o.firewall, o.dialect)
	if err == nil {
		err = s.change(lessons.Change{Rules: rules, Interfaces: o.sides})
	}
	if err != nil {
		writeError(cmd.ErrOrStderr(), cmd, err)
		return
	}
	if !o.quiet {
		fmt.Fprintf(cmd.ErrOrStderr(), "ftplab: the rules of %s are in force\n", o.firewall)
	}
}

// change has another firewall from now on.
func (s *liveSession) change(c lessons.Change) error {
	in, err := s.target.Input(c, s.selection)
	if err != nil {
		return err
	}
	if c.At, err = s.network.Change(in); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes = append(s.changes, c)
	return nil
}

// finish writes what was asked for, says what became of it and shows it.
func (o *liveOptions) finish(cmd *cobra.Command, name string, s *liveSession) error {
	recording := &lessons.Recording{Node: s.node, Program: s.text, Changes: s.changes}
	recording.Inputs, recording.Until = s.network.Inputs()
	recording.TLS = s.network.TLS()
	tr := s.network.Trace()
	s.selection.Mode = cmp.Or(report.ObservedMode(tr), s.selection.Mode)
	s.selection.Op = cmp.Or(report.ObservedOp(tr), s.selection.Op)
	if !o.server {
		s.selection.TLS = report.ObservedTLS(tr)
	}
	run := report.New(reported(s.target, s.selection), tr)
	if err := o.files.write(s.target, run, tr); err != nil {
		return err
	}
	if o.report != "" {
		if err := writeOutput(o.report, run.WriteJSON); err != nil {
			return err
		}
	}
	if o.files.save != "" {
		saved, err := newSession(cmd, &o.selectors, name, s.target, s.selection)
		if err != nil {
			return err
		}
		saved.SetLive(recording)
		if err := writeOutput(o.files.save, saved.Write); err != nil {
			return err
		}
	}
	if s.output != nil {
		if err := copyOutput(cmd.OutOrStdout(), s.output); err != nil {
			return err
		}
	}
	if !o.quiet {
		if err := run.WriteResult(cmd.ErrOrStderr()); err != nil {
			return err
		}
	}
	if o.play || o.noPlay || !hasTerminal() {
		return nil
	}
	shown := s.target.WithRecording(recording, s.selection)
	return play(cmd, view.Options{Start: shown, Selection: s.selection}, o.display)
}

// copyOutput repeats what the program wrote while the terminal was taken.
func copyOutput(w io.Writer, f *os.File) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(w, f)
	return err
}

// fileWatch notices that a file has changed.
type fileWatch struct {
	name    string
	seen    os.FileInfo
	unsaved bool // it has changed, and may go on to
}

func newFileWatch(name string) *fileWatch {
	w := &fileWatch{name: name}
	w.changed()
	w.unsaved = false
	return w
}

// changed reports, once for each change, that the file is another one or was written to,
// and has stayed as it is since it was asked last: a file that somebody is writing is
// left alone. A file that is not there has not changed.
func (w *fileWatch) changed() bool {
	if w.name == "" {
		return false
	}
	now, err := os.Stat(w.name)
	if err != nil {
		return false
	}
	was := w.seen
	w.seen = now
	if was == nil || !os.SameFile(was, now) || !was.ModTime().Equal(now.ModTime()) || was.Size() != now.Size() {
		w.unsaved = true
		return false
	}
	changed := w.unsaved
	w.unsaved = false
	return changed
}
