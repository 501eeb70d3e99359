package live

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
)

// CommandError says that the program itself could not begin.
type CommandError struct {
	Path   string // as in the Command
	Status int    // as a shell reports it: 127 if there is no such program, else 126
	Err    error
}

// Error says which program it was and why.
func (e *CommandError) Error() string {
	switch {
	case e.Status == statusNotFound && !strings.Contains(e.Path, "/"):
		return e.Path + ": no such program in PATH"
	case errors.Is(e.Err, syscall.ENOEXEC):
		return e.Path + ": the kernel cannot run this file: it is no program for this machine, nor a script that names its interpreter after #!"
	}
	return fmt.Sprintf("%s: %v", e.Path, e.Err)
}

// Unwrap returns the system's error.
func (e *CommandError) Unwrap() error { return e.Err }

// errNoInterpreter is what ENOENT means for a file that exists (execve(2)).
var errNoInterpreter = errors.New("the interpreter that it asks for is missing: the program after #!, or the loader of shared libraries")

const (
	statusNotFound      = 127 // POSIX.1-2024, Shell Command Language, 2.8.2
	statusNotExecutable = 126
	statusSignal        = 128 // plus the number of the signal
)

// commandError makes of a failed execve what a shell does.
func commandError(path string, err error) *CommandError {
	status := statusNotExecutable
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOTDIR) {
		status = statusNotFound
	}
	return &CommandError{Path: path, Status: status, Err: err}
}

// SetupError says that the system did not allow to make the inside.
type SetupError struct {
	// Doing is what failed, such as "opening /dev/net/tun".
	Doing string
	// Advice is why, and what can be done: one sentence. "" if that is not known.
	Advice string
	Err    error
}

// Error gives the advice first, then what exactly failed.
func (e *SetupError) Error() string {
	if e.Advice == "" {
		return fmt.Sprintf("cannot make a network for the program: %s: %v", e.Doing, e.Err)
	}
	return fmt.Sprintf("%s (%s: %v)", e.Advice, e.Doing, e.Err)
}

// Unwrap returns the system's error.
func (e *SetupError) Unwrap() error { return e.Err }

// step is a part of making the inside that systems are known to refuse.
type step string

// The steps, in their order. Their texts end in what the system said.
const (
	stepNamespaces step = "making namespaces"
	stepInterfere  step = "being told what to do" // only if somebody meddles
	stepHostname   step = "setting the host name"
	stepMount      step = "mounting"
	stepOpenTUN    step = "opening /dev/net/tun"
	stepMakeTUN    step = "making the TUN device"
	stepSysctl     step = "writing to /proc/sys"
	stepNetwork    step = "setting up the network"
)

// host is what explain looks up on the machine.
type host struct {
	root   bool                     // we are root, with root's capabilities
	sysctl func(name string) string // the value, "" if there is no such setting
}

// explain finds the sentence for a step that failed: the reason, and what to do.
func explain(s step, err error, h host) string {
	denied := errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES)
	switch s {
	case stepNamespaces:
		return explainNamespaces(err, denied, h)
	case stepOpenTUN:
		return explainTUN(err, h)
	case stepMakeTUN, stepNetwork:
		if errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.EAFNOSUPPORT) {
			return "this kernel has IPv6 switched off: choose a scenario with IPv4, or boot without ipv6.disable=1"
		}
		if denied {
			return refused(h, "this system refuses a program to set up a network even in a namespace of its own, as containers do: "+inContainer)
		}
	case stepSysctl:
		if denied || errors.Is(err, syscall.EROFS) {
			return refused(h, "/proc/sys is read-only here, as it is in containers: "+inContainer)
		}
	case stepMount:
		if errors.Is(err, syscall.ENOENT) {
			return "/etc/hosts is missing, and the names of the network go there: let root make an empty one"
		}
		if denied {
			return refused(h, "this system refuses to mount files, even in a namespace of one's own, as containers do: "+inContainer)
		}
	case stepHostname:
		if denied {
			return refused(h, "this system refuses to set a host name, even in a namespace of one's own, as containers do: "+inContainer)
		}
	}
	return ""
}

// inContainer is what to do about a container's restrictions.
const inContainer = "run ftplab outside of it, or start the container with --privileged"

func explainNamespaces(err error, denied bool, h host) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		if h.sysctl("user.max_user_namespaces") == "0" {
			return "this system allows no user namespaces: let root run sysctl user.max_user_namespaces=10000, or run ftplab as root"
		}
		return "this system has reached its limit of namespaces: end other programs that use them, or let root raise user.max_user_namespaces, user.max_net_namespaces, user.max_mnt_namespaces and user.max_uts_namespaces"
	case errors.Is(err, syscall.EUSERS):
		return "namespaces are nested too deeply here: run ftplab outside of the container"
	case errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOSYS):
		return "this kernel was built without network or user namespaces (CONFIG_NET_NS, CONFIG_USER_NS): use another kernel"
	case errors.Is(err, syscall.ENOENT):
		return "/proc is not mounted here: mount it, or run ftplab outside of the chroot"
	case denied && !h.root && h.sysctl("kernel.unprivileged_userns_clone") == "0":
		return "this system keeps user namespaces from ordinary users: let root run sysctl kernel.unprivileged_userns_clone=1, or run ftplab as root"
	case denied:
		return refused(h, "this system refuses to make namespaces, as containers do: "+inContainer)
	}
	return ""
}

// refused blames AppArmor where it is known to refuse what the kernel would allow.
func refused(h host, otherwise string) string {
	if !h.root && h.sysctl("kernel.apparmor_restrict_unprivileged_userns") == "1" {
		return "AppArmor restricts user namespaces here, as in Ubuntu since 23.10: let root run sysctl kernel.apparmor_restrict_unprivileged_userns=0, or run ftplab as root"
	}
	return otherwise
}

func explainTUN(err error, h host) string {
	switch {
	case errors.Is(err, syscall.ENOENT):
		return "/dev/net/tun is missing: let root run modprobe tun, or start the container with --device /dev/net/tun"
	case errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENXIO):
		return "this kernel has no TUN driver loaded: let root run modprobe tun"
	case errors.Is(err, syscall.EACCES):
		return refused(h, "/dev/net/tun is not open to ordinary users here: let root run chmod 0666 /dev/net/tun (that is its usual mode; what is done with it needs privileges anyway), or run ftplab as root")
	case errors.Is(err, syscall.EPERM):
		return refused(h, "the container does not allow /dev/net/tun: start it with --device /dev/net/tun")
	}
	return ""
}
