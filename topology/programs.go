package topology

import (
	"net/netip"
	"path"
	"strings"

	"ftplab/sim"
	"ftplab/sim/event"
	"ftplab/sim/ftp"
	"ftplab/sim/trace"
	"ftplab/topology/document"
)

// programs reads what runs on the hosts.
func (b *builder) programs(tree *document.Node, sel Selection) {
	b.each(tree.Get("servers"), "servers", b.server)
	b.each(tree.Get("services"), "services", b.service)
	clients := 0
	b.each(tree.Get("clients"), "clients", func(name, v *document.Node) {
		b.client(name, v, sel, clients == 0)
		clients++
	})
	b.each(tree.Get("probes"), "probes", b.probe)
}

// each calls f for every entry of a mapping from names to programs.
func (b *builder) each(list *document.Node, what string, f func(name, v *document.Node)) {
	if list == nil || !b.Mapping(list, what) {
		return
	}
	for i, name := range list.Keys {
		f(name, list.Values[i])
	}
}

// host returns the name of the host that a program is on: the one it names with `on`,
// or the one that has the program's own name.
func (b *builder) host(name, v *document.Node) string {
	at, host := name, name.Text
	if on := v.Get("on"); on != nil {
		at, host = on, b.String(on)
	}
	if n := b.find(at, host); n != nil && n.Kind != trace.Host {
		b.Fail(at, "%s is a firewall: programs run on hosts", host)
	}
	return host
}

var serverKeys = append([]string{"on", "port", "profile", "files", "users", "upload_directory"}, serverOptions[:]...)

// serverOptions are the options of a server, under the names of vsftpd.conf(5).
var serverOptions = [...]string{"ftpd_banner", "anonymous_enable", "pasv_enable", "port_enable", "connect_from_port_20",
	"pasv_min_port", "pasv_max_port", "pasv_address", "port_promiscuous", "isolate_network", "connect_timeout", "accept_timeout",
	"idle_session_timeout", "data_connection_timeout", "anon_max_rate", "trans_chunk_size", "ssl_enable", "force_anon_logins_ssl"}

func (b *builder) server(name, v *document.Node) {
	if !b.Map(v, "a server", serverKeys...) {
		return
	}
	s := sim.Server{Node: b.host(name, v), Port: 21, Config: ftp.DefaultServerConfig()}
	if port := v.Get("port"); port != nil {
		s.Port = b.Port(port, false)
	}
	if p := v.Get("profile"); p != nil && b.Word(p, "a server's profile", "ftplab", ftp.ProfileVSFTPD) == ftp.ProfileVSFTPD {
		s.Config = ftp.VSFTPDConfig()
	}
	for i, k := range v.Keys {
		b.serverOption(&s.Config, k.Text, v.Values[i])
	}
	if files := v.Get("files"); files != nil {
		s.Files = b.tree(files)
	}
	if low, high := s.Config.PasvMinPort, s.Config.PasvMaxPort; high != 0 && low > high {
		b.Fail(v.Get("pasv_max_port"), "pasv_max_port is below pasv_min_port, %d", low)
	}
	b.sc.Servers = append(b.sc.Servers, s)
}

// serverOption sets one option. Keys that are none are not its business.
func (b *builder) serverOption(c *ftp.ServerConfig, key string, v *document.Node) {
	const maxRate = 1 << 40 // octets a second
	switch key {
	case "ftpd_banner":
		c.Banner = b.line(v)
	case "anonymous_enable":
		c.Anonymous = b.Bool(v)
	case "upload_directory":
		c.AnonymousUpload = b.line(v)
	case "users":
		b.users(c, v)
	case "pasv_enable":
		c.PassiveEnable = b.Bool(v)
	case "port_enable":
		c.PortEnable = b.Bool(v)
	case "connect_from_port_20":
		c.DataPort20 = b.Bool(v)
	case "pasv_min_port":
		c.PasvMinPort = b.Port(v, false)
	case "pasv_max_port":
		c.PasvMaxPort = b.Port(v, false)
	case "pasv_address":
		c.PasvAddress = b.Addr(v)
	case "port_promiscuous":
		c.Promiscuous = b.Bool(v)
	case "isolate_network":
		c.IsolateNetwork = b.Bool(v)
	case "connect_timeout":
		c.ConnectTimeout = b.Duration(v)
	case "accept_timeout":
		c.AcceptTimeout = b.Duration(v)
	case "idle_session_timeout":
		c.IdleTimeout = b.Duration(v)
	case "data_connection_timeout":
		c.DataTimeout = b.Duration(v)
	case "anon_max_rate":
		c.MaxRate = int(b.Int(v, 0, maxRate))
	case "trans_chunk_size":
		c.ChunkSize = int(b.Int(v, 1, 1<<20))
	case "ssl_enable":
		c.TLS = b.Bool(v)
	case "force_anon_logins_ssl":
		c.RequireTLS = b.Bool(v)
	}
}

// line reads a text that goes into a line of the control connection.
func (b *builder) line(v *document.Node) string {
	text := b.String(v)
	if strings.ContainsAny(text, "\r\n\x00") || len(text) > 500 {
		b.Fail(v, "this must be one line of at most 500 octets")
		return ""
	}
	return text
}

// users reads a mapping from names to passwords; these users may write.
func (b *builder) users(c *ftp.ServerConfig, v *document.Node) {
	if !b.Mapping(v, "users") {
		return
	}
	for i, name := range v.Keys {
		c.Users = append(c.Users, ftp.User{Name: name.Text, Password: b.line(v.Values[i]), MayWrite: true})
	}
}

// maxFiles bounds the octets of all files of a server together.
const maxFiles = 256 << 20

// tree reads what a server serves: a mapping from paths to contents. A number makes a
// file of so many octets of ftp.Pattern, a text one with that text, and a path that
// ends in a slash is a directory.
func (b *builder) tree(v *document.Node) *ftp.Tree {
	t := ftp.NewTree()
	if !b.Mapping(v, "files") {
		return t
	}
	left := int64(maxFiles)
	for i, k := range v.Keys {
		name, content := path.Clean("/"+k.Text), v.Values[i]
		if name == "/" || strings.ContainsAny(name, "\r\n\x00") {
			b.Fail(k, "%q cannot be the name of a file", k.Text)
			continue
		}
		if b.throughFile(v.Keys[:i], name) {
			b.Fail(k, "%q leads through a file", k.Text)
			continue
		}
		switch {
		case strings.HasSuffix(k.Text, "/"):
			t.AddDir(name)
		case content.Quoted || !isNumber(content.Text):
			t.AddFile(name, []byte(b.String(content)))
		default:
			size := b.Octets(content)
			if left -= size; left < 0 {
				b.Fail(content, "the files are larger than %d MiB together", maxFiles>>20)
				return t
			}
			t.AddFile(name, ftp.Pattern(int(size)))
		}
	}
	return t
}

// throughFile reports whether the way to name, or name itself, leads through one of
// the files before it.
func (b *builder) throughFile(before []*document.Node, name string) bool {
	for _, k := range before {
		file := path.Clean("/" + k.Text)
		if name == file || strings.HasPrefix(file, name+"/") || strings.HasPrefix(name, file+"/") && !strings.HasSuffix(k.Text, "/") {
			return true
		}
	}
	return false
}

func isNumber(text string) bool { return text != "" && text[0] >= '0' && text[0] <= '9' }

var (
	serviceKeys = []string{"on", "port", "banner"}
	probeKeys   = []string{"on", "to", "source_port", "start", "timeout"}
)

func (b *builder) service(name, v *document.Node) {
	if !b.Map(v, "a service", serviceKeys...) {
		return
	}
	s := sim.Service{Node: b.host(name, v), Name: name.Text}
	if v.Get("port") == nil {
		b.Fail(v, "service %s needs a port", name.Text)
	}
	s.Port = b.Port(v.Get("port"), false)
	s.Banner = b.String(v.Get("banner"))
	b.sc.Services = append(b.sc.Services, s)
}

func (b *builder) probe(name, v *document.Node) {
	if !b.Map(v, "a probe", probeKeys...) {
		return
	}
	start, never := b.start(v.Get("start"))
	if never {
		return
	}
	p := sim.Probe{
		Node:    b.host(name, v),
		Name:    name.Text,
		Start:   start,
		Target:  b.AddrPort(v.Get("to")),
		Timeout: b.Duration(v.Get("timeout")),
	}
	if v.Get("to") == nil {
		b.Fail(v, "probe %s needs a target", name.Text).Hint = "to: 192.168.10.1:3306"
	}
	if port := v.Get("source_port"); port != nil {
		p.SourcePort = b.Port(port, false)
	}
	b.sc.Probes = append(b.sc.Probes, p)
}

// start reads when a program begins; never is for one that a variant or an option may
// start.
func (b *builder) start(v *document.Node) (at event.Time, never bool) {
	if v != nil && strings.EqualFold(v.Text, "never") {
		return 0, true
	}
	return event.Time(b.Duration(v)), false
}

// addrPort reads an address with or without a port.
func (b *builder) addrPort(v *document.Node, port uint16) netip.AddrPort {
	if a, err := netip.ParseAddr(b.String(v)); err == nil {
		return netip.AddrPortFrom(a, port)
	}
	return b.AddrPort(v)
}
