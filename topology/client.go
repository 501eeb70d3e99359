package topology

import (
	"slices"
	"strings"

	"ftplab/sim"
	"ftplab/sim/ftp"
	"ftplab/topology/document"
)

var clientKeys = []string{"on", "server", "start", "mode", "op", "tls", "retr", "list", "nlst", "stor", "upload", "script",
	"user", "password", "control_port", "data_port", "connect_timeout", "reply_timeout", "data_timeout",
	"split", "split_gap", "port_addr", "port_port", "use_pasv_host", "probe_after", "fallback"}

// client reads a client. What was selected holds for the first client of the file, and
// for what the others do not say themselves.
func (b *builder) client(name, v *document.Node, sel Selection, first bool) {
	if !b.Map(v, "a client", clientKeys...) {
		return
	}
	if v.Get("server") == nil {
		b.Fail(v, "client %s has no server", name.Text).Hint = "server: 192.168.10.1"
		return
	}
	c := ftp.DefaultClientConfig(b.addrPort(v.Get("server"), 21))
	for i, k := range v.Keys {
		b.clientOption(&c, k.Text, v.Values[i])
	}
	mode, op := sel.Mode, sel.Op
	if !first {
		if m := v.Get("mode"); m != nil {
			mode = word(&b.Decoder, m, "a mode", modeNames[:])
		}
		if o := v.Get("op"); o != nil {
			op = b.Word(o, "an operation", opNames[:]...)
		}
	} else if tls := v.Get("tls"); tls == nil {
		c.TLS = sel.TLS
	}
	c.Mode, _ = ftp.ParseMode(mode)
	b.operation(&c, op, v)
	if script := v.Get("script"); script != nil {
		b.script(&c, script)
	}
	at, never := b.start(v.Get("start"))
	if !never {
		b.sc.Clients = append(b.sc.Clients, sim.Client{Node: b.host(name, v), Start: at, Config: c})
	}
}

// defaultUpload is how much a client stores if the file does not say, in octets.
const defaultUpload = 3000

// operation sets what the client does. Each operation has a path of its own, so that
// one file serves all of them.
func (b *builder) operation(c *ftp.ClientConfig, op string, v *document.Node) {
	paths := map[string]string{"retr": "/pub/readme.txt", "stor": "/incoming/up.bin", "list": "", "nlst": ""}
	c.Op, c.Path = ftp.Op(op), paths[op]
	if own := v.Get(op); own != nil {
		c.Path = b.line(own)
	}
	if c.Op == ftp.OpStore {
		size := int64(defaultUpload)
		if upload := v.Get("upload"); upload != nil {
			size = min(b.Octets(upload), maxFiles)
		}
		c.LocalData = ftp.Pattern(int(size))
	}
}

// clientOption sets one option. Keys that are none are not its business.
func (b *builder) clientOption(c *ftp.ClientConfig, key string, v *document.Node) {
	switch key {
	case "user":
		c.User = b.line(v)
	case "password":
		c.Password = b.line(v)
	case "tls":
		c.TLS = b.Bool(v)
	case "control_port":
		c.LocalControlPort = b.Port(v, true)
	case "data_port":
		c.LocalDataPort = b.Port(v, true)
	case "connect_timeout":
		c.Timeouts.Connect = b.Duration(v)
	case "reply_timeout":
		c.Timeouts.Reply = b.Duration(v)
	case "data_timeout":
		c.Timeouts.Data = b.Duration(v)
	case "split":
		c.Split = int(b.Int(v, -100, 100))
	case "split_gap":
		c.SplitGap = b.Duration(v)
	case "port_addr":
		c.PortAddr = b.Addr(v)
	case "port_port":
		c.PortPort = b.Port(v, false)
	case "use_pasv_host":
		c.UsePasvHost = b.Bool(v)
	case "probe_after":
		c.ProbeAfter = b.Bool(v)
	case "fallback":
		c.Fallback = b.Bool(v)
	}
}

// maxScript is how many steps a client's script may have.
const maxScript = 1000

// script reads a list of lines: an operation or command with its argument, `pause` with
// a time, `quit`.
func (b *builder) script(c *ftp.ClientConfig, list *document.Node) {
	lines := b.List(list)
	if len(lines) > maxScript {
		b.Fail(list, "the script has more than %d steps", maxScript)
		return
	}
	for _, line := range lines {
		verb, argument, _ := strings.Cut(strings.TrimSpace(b.line(line)), " ")
		argument = strings.TrimSpace(argument)
		step := ftp.Step{Op: ftp.Op(strings.ToLower(verb)), Path: argument}
		switch {
		case verb == "":
			b.Fail(line, "an empty step")
		case step.Op == ftp.OpPause:
			step.Path, step.Wait = "", b.Duration(document.Text(line.File, argument).At(line))
		case step.Op == ftp.OpStore:
			step.LocalData = ftp.Pattern(defaultUpload)
		case step.Op.HasData() || step.Op == ftp.OpQuit || slices.Contains(plainCommands, string(step.Op)):
		default:
			e := b.Fail(line, "%q is no step of a script", verb)
			e.Hint = document.Suggest(verb, append(plainCommands, "retr", "list", "nlst", "stor", "mlsd", "pause", "quit"))
		}
		c.Script = append(c.Script, step)
	}
}

// plainCommands are those that a script may send as they are.
var plainCommands = []string{"cwd", "cdup", "pwd", "type", "size", "mdtm", "noop", "syst", "feat", "stat", "help",
	"dele", "mkd", "rmd", "rest", "site", "abor", "opts", "port", "pasv", "epsv", "eprt"}
