package live

import (
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestExplain(t *testing.T) {
	const (
		userNamespaces = "user.max_user_namespaces"
		debian         = "kernel.unprivileged_userns_clone"
		appArmor       = "kernel.apparmor_restrict_unprivileged_userns"
	)
	tests := []struct {
		name     string
		step     step
		err      error
		root     bool
		settings map[string]string
		want     string // part of the advice, "" for none at all
	}{
		{"no user namespaces", stepNamespaces, syscall.ENOSPC, false, map[string]string{userNamespaces: "0"}, "sysctl user.max_user_namespaces=10000"},
		{"too many namespaces", stepNamespaces, syscall.ENOSPC, false, map[string]string{userNamespaces: "96365"}, "reached its limit of namespaces"},
		{"too many namespaces for root", stepNamespaces, syscall.ENOSPC, true, nil, "reached its limit of namespaces"},
		{"nested too deeply", stepNamespaces, syscall.EUSERS, false, nil, "nested too deeply"},
		{"no CONFIG_USER_NS", stepNamespaces, syscall.EINVAL, false, nil, "CONFIG_USER_NS"},
		{"no /proc", stepNamespaces, syscall.ENOENT, true, nil, "/proc is not mounted"},
		{"Debian before 11", stepNamespaces, syscall.EPERM, false, map[string]string{debian: "0"}, "sysctl kernel.unprivileged_userns_clone=1"},
		{"Debian, allowed, in a container", stepNamespaces, syscall.EPERM, false, map[string]string{debian: "1"}, "--privileged"},
		{"root without capabilities on Debian", stepNamespaces, syscall.EPERM, true, map[string]string{debian: "0"}, "--privileged"},
		{"container", stepNamespaces, syscall.EPERM, false, nil, "refuses to make namespaces, as containers do"},
		{"AppArmor: uid_map", stepNamespaces, syscall.EACCES, false, map[string]string{appArmor: "1"}, "sysctl kernel.apparmor_restrict_unprivileged_userns=0"},
		{"AppArmor: clone", stepNamespaces, syscall.EPERM, false, map[string]string{appArmor: "1"}, "AppArmor"},
		{"AppArmor without the restriction", stepNamespaces, syscall.EPERM, false, map[string]string{appArmor: "0"}, "--privileged"},
		{"out of memory", stepNamespaces, syscall.ENOMEM, false, nil, ""},

		{"AppArmor: mount", stepMount, syscall.EACCES, false, map[string]string{appArmor: "1"}, "AppArmor"},
		{"AppArmor: TUN", stepMakeTUN, syscall.EPERM, false, map[string]string{appArmor: "1"}, "AppArmor"},
		{"AppArmor: netlink", stepNetwork, syscall.EPERM, false, map[string]string{appArmor: "1"}, "AppArmor"},
		{"AppArmor: host name", stepHostname, syscall.EPERM, false, map[string]string{appArmor: "1"}, "AppArmor"},
		{"AppArmor does not restrict root", stepNetwork, syscall.EPERM, true, map[string]string{appArmor: "1"}, "as containers do"},

		{"no /dev/net/tun", stepOpenTUN, syscall.ENOENT, false, nil, "modprobe tun, or start the container with --device /dev/net/tun"},
		{"no driver", stepOpenTUN, syscall.ENODEV, true, nil, "modprobe tun"},
		{"no driver behind the file", stepOpenTUN, syscall.ENXIO, true, nil, "modprobe tun"},
		{"mode 0600", stepOpenTUN, syscall.EACCES, false, nil, "chmod 0666 /dev/net/tun"},
		{"cgroup of a container", stepOpenTUN, syscall.EPERM, true, nil, "--device /dev/net/tun"},
		{"name taken", stepMakeTUN, syscall.EBUSY, true, nil, ""},

		{"no IPv6", stepNetwork, syscall.EOPNOTSUPP, true, nil, "ipv6.disable=1"},
		{"netlink refused", stepNetwork, syscall.EPERM, true, nil, "refuses a program to set up a network"},
		{"/proc/sys in a container", stepSysctl, syscall.EROFS, true, nil, "/proc/sys is read-only"},
		{"mount refused", stepMount, syscall.EPERM, true, nil, "refuses to mount"},
		{"no /etc/hosts", stepMount, syscall.ENOENT, true, nil, "/etc/hosts is missing"},
		{"host name refused", stepHostname, syscall.EPERM, true, nil, "refuses to set a host name"},
		{"meddled", stepInterfere, errors.New("there is no new network namespace"), true, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := host{root: tt.root, sysctl: func(name string) string { return tt.settings[name] }}
			advice := explain(tt.step, tt.err, h)
			if tt.want == "" && advice != "" {
				t.Errorf("advice %q, and nothing is known", advice)
			}
			if !strings.Contains(advice, tt.want) {
				t.Errorf("advice %q, want %q in it", advice, tt.want)
			}
			if strings.ContainsAny(advice, "\n") || strings.HasSuffix(advice, ".") {
				t.Errorf("advice %q is not one sentence within another", advice)
			}
		})
	}
}

func TestSetupErrorText(t *testing.T) {
	known := &SetupError{Doing: "opening /dev/net/tun", Advice: "do this", Err: syscall.EACCES}
	if got, want := known.Error(), "do this (opening /dev/net/tun: permission denied)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	unknown := &SetupError{Doing: "making namespaces", Err: syscall.ENOMEM}
	if got, want := unknown.Error(), "cannot make a network for the program: making namespaces: cannot allocate memory"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !errors.Is(known, syscall.EACCES) {
		t.Error("the system's error is lost")
	}
}

// TestCommandError: POSIX.1-2024, Shell Command Language, 2.8.2 has the statuses.
func TestCommandError(t *testing.T) {
	tests := []struct {
		path   string
		err    error
		status int
		want   string
	}{
		{"nosuch", exec.ErrNotFound, 127, "nosuch: no such program in PATH"},
		{"./nosuch", syscall.ENOENT, 127, "./nosuch: no such file or directory"},
		{"/etc/passwd/x", syscall.ENOTDIR, 127, "/etc/passwd/x: not a directory"},
		{"/etc/passwd", syscall.EACCES, 126, "/etc/passwd: permission denied"},
		{"./notes", syscall.ENOEXEC, 126, "./notes: the kernel cannot run this file: it is no program for this machine, nor a script that names its interpreter after #!"},
		{"/bin/ls", syscall.E2BIG, 126, "/bin/ls: argument list too long"},
	}
	for _, tt := range tests {
		e := commandError(tt.path, tt.err)
		if e.Status != tt.status || e.Error() != tt.want {
			t.Errorf("%s, %v: status %d, %q, want %d, %q", tt.path, tt.err, e.Status, e.Error(), tt.status, tt.want)
		}
	}
}
