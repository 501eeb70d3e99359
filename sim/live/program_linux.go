package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Program is a program in its network: ready after Start, running after Go.
//
// Close must be called in the end. Its methods may be called by several goroutines,
// except Go.
type Program struct {
	cmd     *exec.Cmd
	path    string        // as in the Command
	control *net.UnixConn // to Child on the inside
	tun     *os.File
	ended   chan struct{} // closed when the process has ended and waitErr is set
	waitErr error
}

// Start makes the namespaces and the TUN device with all that in describes, and
// prepares the command to begin in them when Go says so.
//
// Its errors are a *CommandError if the program is not found, and a *SetupError if the
// system refuses something, with what to do about it.
func Start(in Inside, c Command) (*Program, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if _, marked := os.LookupEnv(insideVariable); marked {
		// Without this, a test without Child would start itself again and again.
		return nil, errors.New("this process is the inside of a program already: live.Child must be called first in main")
	}
	executable, err := lookUp(c)
	if err != nil {
		return nil, err
	}
	p := &Program{path: c.Path, ended: make(chan struct{})}
	order := order{Inside: in, Executable: executable, OutsideNetwork: networkNamespace()}
	if err := p.begin(order, c); err != nil {
		return nil, err
	}
	if err := p.awaitTUN(); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// lookUp finds the program's file as a shell would.
func lookUp(c Command) (string, error) {
	if c.Path == "" {
		return "", errors.New("no program to run")
	}
	if c.Dir != "" {
		if info, err := os.Stat(c.Dir); err != nil {
			return "", fmt.Errorf("the program's working directory: %w", err)
		} else if !info.IsDir() {
			return "", fmt.Errorf("the program's working directory: %s is not a directory", c.Dir)
		}
	}
	if strings.Contains(c.Path, "/") {
		return c.Path, nil // relative to Dir: execve on the inside will tell
	}
	executable, err := exec.LookPath(c.Path)
	if errors.Is(err, exec.ErrDot) {
		// PATH says so, and Go's library is more careful than shells are.
		return "", fmt.Errorf("%s is a file of the current directory: say ./%s", c.Path, c.Path)
	}
	if err != nil {
		return "", commandError(c.Path, err)
	}
	return executable, nil
}

// begin starts this executable again, in new namespaces, where Child takes the order.
func (p *Program) begin(o order, c Command) error {
	ours, theirs, err := controlPair()
	if err != nil {
		return fmt.Errorf("a socket pair for the program's start: %w", err)
	}
	defer theirs.Close()
	marker, err := json.Marshal(o)
	if err != nil {
		return err
	}
	env := c.Env
	if env == nil {
		env = os.Environ()
	}
	p.control = ours
	p.cmd = &exec.Cmd{
		Path:        "/proc/self/exe",
		Args:        append([]string{os.Args[0], c.Path}, c.Args...),
		Env:         append(env[:len(env):len(env)], insideVariable+"="+string(marker)),
		Dir:         c.Dir,
		ExtraFiles:  []*os.File{theirs}, // becomes controlFD
		SysProcAttr: namespaces(isPrivileged()),
	}
	// A nil *os.File in an interface would not be nil.
	if c.Stdin != nil {
		p.cmd.Stdin = c.Stdin
	}
	if c.Stdout != nil {
		p.cmd.Stdout = c.Stdout
	}
	if c.Stderr != nil {
		p.cmd.Stderr = c.Stderr
	}
	if err := p.cmd.Start(); err != nil {
		ours.Close()
		return setupError(stepNamespaces, "", err)
	}
	go func() {
		p.waitErr = p.cmd.Wait()
		close(p.ended)
	}()
	return nil
}

// controlPair makes the two ends of the connection between Start and Child. Each
// message on it is received whole, or not at all.
func controlPair() (ours *net.UnixConn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	file := os.NewFile(uintptr(fds[0]), "control")
	defer file.Close() // FileConn makes a copy
	theirs = os.NewFile(uintptr(fds[1]), "control")
	conn, err := net.FileConn(file)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return conn.(*net.UnixConn), theirs, nil
}

// namespaces are what the inside has of its own. An ordinary user may make the others
// only within a user namespace, in which users keep their numbers; the capabilities in
// it are those that Child needs, and it lays them down before the program begins.
func namespaces(privileged bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS,
	}
	if privileged {
		return attr
	}
	attr.Cloneflags |= syscall.CLONE_NEWUSER
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
	attr.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN, unix.CAP_SYS_ADMIN}
	return attr
}

// isPrivileged says whether we are root as it used to be, not the root of a container
// that may not make namespaces.
func isPrivileged() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData // version 3 has 64 capabilities in two halves
	if os.Geteuid() != 0 || unix.Capget(&header, &data[0]) != nil {
		return false
	}
	const needed = 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_SYS_ADMIN
	return data[0].Effective&needed == needed
}

// awaitTUN receives the TUN device from the inside, or why there is none.
func (p *Program) awaitTUN() error {
	reply, fd, err := p.receive()
	if errors.Is(err, io.EOF) {
		<-p.ended
		return fmt.Errorf("cannot make a network for the program: its setup ended early: %v (is live.Child called first in main?)", p.cmd.ProcessState)
	}
	if err != nil {
		return fmt.Errorf("waiting for the program's network: %w", err)
	}
	if reply.Text != "" {
		return setupError(reply.Step, reply.Detail, reply.err())
	}
	if fd < 0 {
		return errors.New("the program's network came without its TUN device")
	}
	// The file goes to the runtime's poller because it does not block; that is what
	// makes deadlines work.
	p.tun = os.NewFile(uintptr(fd), "/dev/net/tun")
	return nil
}

// receive reads one message of the inside; fd is -1 if no file came with it.
func (p *Program) receive() (r reply, fd int, err error) {
	message, rights := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	n, rightsLen, _, _, err := p.control.ReadMsgUnix(message, rights)
	if err == nil && n == 0 || errors.Is(err, unix.ECONNRESET) {
		err = io.EOF // a message is never empty
	}
	if err != nil {
		return reply{}, -1, err
	}
	fd, err = receivedFile(rights[:rightsLen])
	if err != nil {
		return reply{}, -1, err
	}
	if err := json.Unmarshal(message[:n], &r); err != nil {
		return reply{}, -1, err
	}
	return r, fd, nil
}

// receivedFile takes the file out of a message's control data (unix(7), SCM_RIGHTS).
func receivedFile(rights []byte) (fd int, err error) {
	if len(rights) == 0 {
		return -1, nil
	}
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return -1, err
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return -1, err
	}
	return fds[0], nil
}

// TUN returns the wire between the program and the world: each Read takes one IP packet
// that the program's kernel sent, each Write hands it one. There is no header before
// the packet. Deadlines work; a Read into a buffer smaller than the MTU cuts off.
//
// Having the file open keeps the network alive after the program's end, so that its
// connections can be closed in order; with Close it ends.
func (p *Program) TUN() *os.File { return p.tun }

// Go lets the program begin, once. It returns a *CommandError if there is no such
// program or if it cannot be run; Wait then returns the same status.
func (p *Program) Go() error {
	if _, err := p.control.Write([]byte{goOctet}); err != nil {
		return fmt.Errorf("the program ended before it began: %w", err)
	}
	r, _, err := p.receive()
	if err != nil {
		return fmt.Errorf("waiting for the program to begin: %w", err)
	}
	if r.Text == "" {
		return nil
	}
	failed := commandError(p.path, r.err())
	if _, missing := os.Stat(p.file()); failed.Status == statusNotFound && missing == nil {
		failed.Err = errNoInterpreter
	}
	return failed
}

// file is the program's file as seen from here.
func (p *Program) file() string {
	if filepath.IsAbs(p.path) {
		return p.path
	}
	return filepath.Join(p.cmd.Dir, p.path)
}

// Wait waits for the program's end and returns its exit status as a shell would: 128
// and the number of the signal if one ended it. What the program left running has ended,
// too. Wait may be called any number of times.
func (p *Program) Wait() (status int, err error) {
	<-p.ended
	var failed *exec.ExitError
	if p.waitErr != nil && !errors.As(p.waitErr, &failed) {
		return 0, p.waitErr
	}
	wait := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if wait.Signaled() { // not the program but who watches over it
		return statusSignal + int(wait.Signal()), nil
	}
	return wait.ExitStatus(), nil
}

// Signal sends a signal to the program; one that has not begun is ended by any. After
// its end the error is os.ErrProcessDone.
func (p *Program) Signal(s os.Signal) error {
	number, ok := s.(syscall.Signal)
	if !ok || number <= 0 || number > 64 { // _NSIG
		return fmt.Errorf("there is no signal %v", s)
	}
	_, err := p.control.Write([]byte{byte(number)})
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, net.ErrClosed) {
		return os.ErrProcessDone
	}
	return err
}

// Close ends the program if it still runs, with all that it started, and its network. It
// may be called any number of times.
func (p *Program) Close() error {
	// The inside sees the end of the connection, be it by Close or by our own death, and
	// ends everything there.
	p.control.Close()
	<-p.ended
	if p.tun != nil {
		p.tun.Close()
	}
	return nil
}

// setupError explains what the system said to a step.
func setupError(s step, detail string, err error) error {
	// "fork/exec /proc/self/exe" says nothing to the person.
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		err = errno
	}
	doing := strings.TrimSpace(string(s) + " " + detail)
	return &SetupError{Doing: doing, Advice: explain(s, err, host{root: isPrivileged(), sysctl: sysctl}), Err: err}
}

// sysctl returns the value of a kernel setting such as user.max_user_namespaces, "" if
// there is none.
func sysctl(name string) string {
	text, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
