package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// insideVariable is the environment variable that carries an order; the program never
// sees it.
const insideVariable = "FTPLAB_LIVE_INSIDE"

// controlFD is the inside's end of the connection to Start: the first after the three
// that every program has.
const controlFD = 3

// order is what Start wants of Child. The program's arguments are the process's own.
type order struct {
	Inside     Inside
	Executable string // the program's file
	// OutsideNetwork is the parent's network namespace. Child works nowhere but in
	// another: what it does must not happen to the machine itself.
	OutsideNetwork string
}

// reply is what Child says to Start, that all is ready, with the TUN device, and to Go,
// that the program runs; or what failed.
type reply struct {
	Step   step   // "" if nothing failed
	Detail string // what of the step
	Errno  syscall.Errno
	Text   string // the error in words, for one that has no number; "" if nothing failed
}

func (r reply) err() error {
	if r.Errno != 0 {
		return r.Errno
	}
	return errors.New(r.Text)
}

// stepError is a step that failed, on its way into a reply.
type stepError struct {
	step   step
	detail string
	err    error
}

func (e *stepError) Error() string { return string(e.step) + " " + e.detail + ": " + e.err.Error() }

func (e *stepError) Unwrap() error { return e.err }

// Child must be called first in main of every executable that calls Start. If the
// process was started as the inside of a Program, Child prepares that, runs the program
// in it, and never returns; otherwise it returns at once.
func Child() {
	marker, marked := os.LookupEnv(insideVariable)
	if !marked {
		return
	}
	os.Unsetenv(insideVariable)
	// Capabilities belong to a thread, and the program has those of the one that made it.
	runtime.LockOSThread()
	unix.CloseOnExec(controlFD)
	var o order
	if err := json.Unmarshal([]byte(marker), &o); err != nil {
		fail(&stepError{step: stepInterfere, err: err})
	}
	if o.OutsideNetwork == networkNamespace() {
		fail(&stepError{step: stepInterfere, err: errors.New("there is no new network namespace")})
	}
	tun, err := o.Inside.build()
	if err != nil {
		fail(err)
	}
	send(reply{}, unix.UnixRights(tun))
	unix.Close(tun)
	awaitGo()
	run(o)
}

// networkNamespace names the namespace of this process, such as "net:[4026531840]".
func networkNamespace() string {
	name, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return "" // no /proc: Start fails when it comes to /proc/self/exe
	}
	return name
}

// fail tells Start what went wrong and ends.
func fail(err error) {
	r := reply{Text: err.Error()}
	var failed *stepError
	if errors.As(err, &failed) {
		r = reply{Step: failed.step, Detail: failed.detail, Text: failed.err.Error()}
	}
	errors.As(err, &r.Errno)
	send(r, nil)
	os.Exit(1)
}

// send sends a reply. If that is not possible there is nobody left to tell.
func send(r reply, rights []byte) {
	message, err := json.Marshal(r)
	if err == nil {
		err = unix.Sendmsg(controlFD, message, rights, nil, unix.MSG_NOSIGNAL)
	}
	if err != nil {
		os.Exit(1)
	}
}

// The messages of Start's side are one octet: this, or the number of a signal for the
// program.
const goOctet = 0

// receiveOctet waits for the next message; ok is false if Start's process is gone or has
// closed the program.
func receiveOctet() (octet byte, ok bool) {
	message := make([]byte, 1)
	for {
		n, err := unix.Read(controlFD, message)
		if !errors.Is(err, unix.EINTR) {
			return message[0], n == 1 && err == nil
		}
	}
}

// awaitGo returns when the program may begin. A signal comes too early for it and ends
// what is there.
func awaitGo() {
	octet, ok := receiveOctet()
	if !ok {
		octet = byte(unix.SIGKILL)
	}
	if octet != goOctet {
		os.Exit(statusSignal + int(octet))
	}
}

// run lets the program begin, and stays to see that all it has started ends when it
// does: then this process ends, too, with the program's status.
//
// A PID namespace would do the same, but in one the process group of the terminal has no
// number, and lftp for one cannot come back to the foreground.
func run(o order) {
	ignoreTerminal()
	err := errors.Join(disarm(), unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
	var program int
	if err == nil {
		program, err = syscall.ForkExec(o.Executable, os.Args[1:], &syscall.ProcAttr{
			Env:   os.Environ(),
			Files: []uintptr{0, 1, 2},
			Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}, // in case we are killed
		})
	}
	if err != nil {
		r := reply{Text: err.Error()}
		errors.As(err, &r.Errno)
		send(r, nil)
		os.Exit(commandError("", err).Status)
	}
	letGoOfFiles()
	send(reply{}, nil)
	go passSignals(program)
	status := reap(program)
	endChildren()
	os.Exit(status)
}

// passSignals gives the program the signals that Start's process sends, and ends it with
// that process.
func passSignals(program int) {
	for {
		octet, ok := receiveOctet()
		if !ok {
			unix.Kill(program, unix.SIGKILL)
			return
		}
		// If it fails the program has just ended, or is another user's by now.
		unix.Kill(program, syscall.Signal(octet))
	}
}

// ignoreTerminal keeps this process running when a signal goes to all in the foreground:
// the program has it, too, and what comes of that is for the program to say. Signals
// that are ignored already stay so, in the program as well (nohup(1)).
func ignoreTerminal() {
	nobody := make(chan os.Signal, 1)
	for _, s := range []os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM} {
		if !signal.Ignored(s) {
			signal.Notify(nobody, s)
		}
	}
}

// disarm takes from the program, and from this process, what was needed to set up the
// network. Root keeps what root has.
func disarm() error {
	if os.Geteuid() == 0 {
		return nil
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&header, &none[0])
}

// letGoOfFiles leaves the three standard files to the program: a pipe that it closes is
// closed.
func letGoOfFiles() {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return // and they stay open until the program ends
	}
	for fd := range 3 {
		unix.Dup3(null, fd, 0)
	}
	unix.Close(null)
}

// reap waits for all children, among them those whose parents have ended, until the
// program is the one that ended, and returns its status.
func reap(program int) int {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 1 // not possible: the program is a child
		case pid == program && status.Signaled():
			return statusSignal + int(status.Signal())
		case pid == program:
			return status.ExitStatus()
		}
	}
}

// endChildren ends what the program has left. Its orphans are our children, because we
// are a subreaper (PR_SET_CHILD_SUBREAPER(2const)), and theirs will be.
func endChildren() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.ECHILD):
			return
		case pid > 0 || err != nil:
			continue
		}
		for _, child := range children() {
			unix.Kill(child, unix.SIGKILL)
		}
		time.Sleep(time.Millisecond) // they need a moment to end
	}
}

// children finds the child processes in proc_pid_stat(5).
func children() []int {
	var found []int
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // ended in the meantime
		}
		var state string
		var parent int
		// The name before may have any signs in it, so count from its last bracket.
		fmt.Sscan(string(text[bytes.LastIndexByte(text, ')')+1:]), &state, &parent)
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && parent == os.Getpid() {
			found = append(found, pid)
		}
	}
	return found
}
