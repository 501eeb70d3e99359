package ftp

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Mode is how the client gets its data connection.
type Mode uint8

// The four modes. The zero Mode leaves the choice to ClientConfig, and there to PASV.
const (
	ModeUnset Mode = iota
	ModePASV       // passive: the server names an address and port (RFC 959)
	ModeEPSV       // passive: the server names a port (RFC 2428)
	ModePORT       // active: the client names an address and port (RFC 959)
	ModeEPRT       // active, IPv6 too (RFC 2428)
)

// String returns the command of the mode: "PASV", "EPSV", "PORT", "EPRT".
func (m Mode) String() string {
	switch m {
	case ModeUnset:
		return ""
	case ModePASV:
		return "PASV"
	case ModeEPSV:
		return "EPSV"
	case ModePORT:
		return "PORT"
	case ModeEPRT:
		return "EPRT"
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// Active reports whether the server opens the data connection.
func (m Mode) Active() bool { return m == ModePORT || m == ModeEPRT }

// Modes returns the four modes in the order in which they are shown.
func Modes() []Mode { return []Mode{ModePASV, ModeEPSV, ModePORT, ModeEPRT} }

// ParseMode reads a mode's name in any case of letters; "passive" is PASV and
// "active" is PORT.
func ParseMode(name string) (Mode, error) {
	switch strings.ToLower(name) {
	case "pasv", "passive":
		return ModePASV, nil
	case "epsv":
		return ModeEPSV, nil
	case "port", "active":
		return ModePORT, nil
	case "eprt":
		return ModeEPRT, nil
	}
	return ModeUnset, fmt.Errorf("unknown mode %q: use pasv, epsv, port or eprt", name)
}

// Op is what a step of a client's script does. Any other word than these is a command
// without a data connection: Op "cwd" with Path "/pub" sends "CWD /pub".
type Op string

// The steps that are more than a command.
const (
	OpList        Op = "list"
	OpNameList    Op = "nlst"
	OpMachineList Op = "mlsd"
	OpRetrieve    Op = "retr"
	OpStore       Op = "stor"
	OpAppend      Op = "appe"
	OpStoreUnique Op = "stou"
	OpCommand     Op = "command" // sends Path as it is
	OpPause       Op = "pause"   // waits for Wait
	OpQuit        Op = "quit"    // ends the script
)

// HasData reports whether the step needs a data connection.
func (op Op) HasData() bool { return op.receives() || op.sends() }

func (op Op) receives() bool {
	return op == OpList || op == OpNameList || op == OpMachineList || op == OpRetrieve
}

func (op Op) sends() bool { return op == OpStore || op == OpAppend || op == OpStoreUnique }

// Step is one thing that the client does in its session.
type Step struct {
	Op   Op
	Path string // on the server; for OpCommand the whole line
	// Mode, if set, is used instead of ClientConfig.Mode.
	Mode Mode
	// LocalData is what is sent. LocalPath, if not "", names a file of
	// ClientConfig.Files to send from or to receive into instead.
	LocalData []byte
	LocalPath string
	// Offset begins a transfer there, with REST, on both sides, in octets.
	Offset int64
	// Resume asks for SIZE first: a step that sends appends what is missing, a step that
	// receives is done if Offset is all there is.
	Resume bool
	// Wait is how long OpPause waits.
	Wait time.Duration
	// AbortAfter sends ABOR once so many octets were received; 0 is never.
	AbortAfter int64
	// MayFail goes on with the next step after a refusal.
	MayFail bool
}

// words says the step as a person would.
func (s *Step) words() string {
	switch s.Op {
	case OpCommand:
		return maskPassword(s.Path)
	case OpPause:
		return "pause " + s.Wait.String()
	}
	return strings.TrimSpace(string(s.Op) + " " + s.Path)
}

// line is the command that the step sends.
func (s *Step) line() string {
	if s.Op == OpCommand {
		return s.Path
	}
	verb := strings.ToUpper(string(s.Op))
	if s.Path == "" {
		return verb
	}
	return verb + " " + s.Path
}

// Timeouts are the client's own timers. 0 is for ever.
type Timeouts struct {
	Connect time.Duration // to establish a connection
	Reply   time.Duration // for each line of a reply
	Data    time.Duration // without progress on the data connection
	TLS     time.Duration // for a handshake
	Quit    time.Duration // for the reply to QUIT
}

// ClientConfig says what a Client does. Start from DefaultClientConfig.
type ClientConfig struct {
	Server netip.AddrPort
	// LocalControlPort and LocalDataPort are the client's own ports; 0 is any. The data
	// port is the source of a passive and the target of an active data connection.
	LocalControlPort, LocalDataPort uint16

	User, Password string
	TLS            bool // AUTH TLS, PBSZ 0, PROT P

	Mode Mode
	// Op, Path and LocalData are the only step of a session without a Script.
	Op        Op
	Path      string
	LocalData []byte
	Script    []Step
	// Files holds what Step.LocalPath names.
	Files Files

	Timeouts Timeouts

	// Split cuts PORT, EPRT, PASV or EPSV into two segments after so many octets;
	// negative counts from the end, with CR LF; 0 is no cut. SplitGap is the time
	// between them.
	Split    int
	SplitGap time.Duration
	// PortAddr and PortPort, if set, are said in PORT and EPRT instead of the client's
	// own. The client listens on PortPort, but not on PortAddr: the bounce attack.
	PortAddr netip.Addr
	PortPort uint16
	// UsePasvHost connects to the address that 227 says, else to the server's.
	UsePasvHost bool
	// Fallback tries PASV after a refused EPSV, and PORT after EPRT.
	Fallback bool
	// ProbeAfter sends a NOOP when the final reply stays away, to see what the control
	// connection is worth.
	ProbeAfter bool

	// ChunkSize is how many octets are sent at a time.
	ChunkSize int
	// KeepBytes says that the carrier never writes to Input.Bytes again, so that what
	// is received can be kept without a copy.
	KeepBytes bool
}

// DefaultClientConfig is the scripted client of the lab that the firewalls are
// judged with: anonymous, passive, RETR /pub/readme.txt, 4 s to connect, 9 s for a
// reply, 20 s without data.
func DefaultClientConfig(server netip.AddrPort) ClientConfig {
	return ClientConfig{
		Server:   server,
		User:     "anonymous",
		Password: "probe@",
		Mode:     ModePASV,
		Op:       OpRetrieve,
		Path:     "/pub/readme.txt",
		Timeouts: Timeouts{
			Connect: 4 * time.Second,
			Reply:   9 * time.Second,
			Data:    20 * time.Second,
			TLS:     5 * time.Second,
			Quit:    2 * time.Second,
		},
		SplitGap:    50 * time.Millisecond,
		UsePasvHost: true,
		ProbeAfter:  true,
		ChunkSize:   64 << 10,
	}
}

// steps returns the script, or the single operation.
func (c *ClientConfig) steps() []Step {
	if len(c.Script) > 0 {
		return c.Script
	}
	return []Step{{Op: c.Op, Path: c.Path, LocalData: c.LocalData}}
}
