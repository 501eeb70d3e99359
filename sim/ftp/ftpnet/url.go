package ftpnet

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Target is what an FTP URL names.
type Target struct {
	Host           string // name or address, without brackets
	Port           string // "21" unless the URL says otherwise
	User, Password string // "anonymous" without any
	// Path is relative to the directory of the login, as RFC 1738, section 3.2.2, has it;
	// ftp://host/%2Fetc/motd names the absolute /etc/motd.
	Path string
	// TLS is explicit FTPS (AUTH TLS): the scheme ftpes.
	TLS bool
}

// Address returns "host:port".
func (t *Target) Address() string { return net.JoinHostPort(t.Host, t.Port) }

// ParseURL reads ftp://[user[:password]@]host[:port]/path, or ftpes:// for FTPS. The
// password never stands in an error.
func ParseURL(raw string) (*Target, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// The error of package url repeats the URL, password and all.
		return nil, fmt.Errorf("not a URL: use ftp://[user[:password]@]host[:port]/path")
	}
	t := &Target{Host: u.Hostname(), Port: u.Port(), User: "anonymous", Password: "ftplab@"}
	switch u.Scheme {
	case "ftp":
	case "ftpes":
		t.TLS = true
	case "ftps":
		return nil, fmt.Errorf("%s: ftps:// is FTP inside TLS on port 990, which is not supported: use ftpes:// for AUTH TLS", u.Redacted())
	default:
		return nil, fmt.Errorf("%s: not an FTP URL: it begins with ftp:// or ftpes://", u.Redacted())
	}
	if t.Host == "" {
		return nil, fmt.Errorf("%s: no host in the URL", u.Redacted())
	}
	if t.Port == "" {
		t.Port = "21"
	}
	if u.User != nil {
		t.User = u.User.Username()
		t.Password, _ = u.User.Password()
	}
	t.Path = strings.TrimPrefix(u.Path, "/")
	if i := strings.LastIndex(t.Path, ";type="); i >= 0 {
		t.Path = t.Path[:i]
	}
	for _, part := range []string{t.User, t.Password, t.Path} {
		if strings.ContainsAny(part, "\r\n\x00") {
			return nil, fmt.Errorf("%s: a line end or NUL in the URL would forge commands", u.Redacted())
		}
	}
	return t, nil
}
