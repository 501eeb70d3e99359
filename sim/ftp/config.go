package ftp

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// Names of the server profiles.
const (
	// ProfileOwn is ftplab's own server: the RFCs, with replies that explain.
	ProfileOwn = ""
	// ProfileVSFTPD behaves and speaks like vsftpd 3.0.3.
	ProfileVSFTPD = "vsftpd"
)

// User may log in with a password.
type User struct {
	Name, Password string
	// MayWrite lets the user change what is served.
	MayWrite bool
}

// ServerConfig is what the sessions of one server have in common. Start from
// DefaultServerConfig or VSFTPDConfig: a zero value switches everything off.
// Sessions share it and nobody changes it while they do.
type ServerConfig struct {
	Profile string // ProfileOwn or ProfileVSFTPD
	Banner  string // text of the 220 greeting

	Users []User
	// Anonymous lets in USER anonymous and USER ftp, with any password, to read.
	Anonymous bool
	// AnonymousUpload is a directory below which anonymous may create new files;
	// "" is none.
	AnonymousUpload string
	// MaxLoginFailures closes the session; 0 is no limit.
	MaxLoginFailures int

	// ConnectTimeout is how long the server waits for its own connection to the
	// client in active mode, AcceptTimeout how long for the client's in passive mode,
	// both from the transfer command. Then it answers 425.
	ConnectTimeout time.Duration
	AcceptTimeout  time.Duration
	// IdleTimeout is how long a session may send no command, DataTimeout how long a
	// transfer may make no progress. 0 is for ever.
	IdleTimeout time.Duration
	DataTimeout time.Duration

	PassiveEnable bool // PASV and EPSV
	PortEnable    bool // PORT and EPRT
	// PasvMinPort and PasvMaxPort bound the ports of passive mode; 0 is any.
	PasvMinPort, PasvMaxPort uint16
	// PasvAddress is what 227 says instead of the server's own address; invalid is
	// none. For a server behind NAT.
	PasvAddress netip.Addr
	// DataPort20 opens active data connections from port L-1, 20 (RFC 959, section
	// 3.2), else from any port.
	DataPort20 bool
	// AllowBounce drops the checks of RFC 2577: PORT and EPRT may name other hosts and
	// ports below 1024, and a passive data connection may come from another host.
	AllowBounce bool
	// Promiscuous is vsftpd's port_promiscuous: the same, with vsftpd's pitfalls. With
	// IsolateNetwork (isolate_network) its process may not connect and dies; without,
	// it dies of a port below 1024.
	Promiscuous    bool
	IsolateNetwork bool

	// MaxRate bounds a transfer, in octets a second; 0 is no bound. ChunkSize is how
	// many octets are sent at a time, and thus the burst.
	MaxRate   int
	ChunkSize int

	// TLS offers AUTH TLS; RequireTLS refuses a login, and PROT C, without it.
	TLS        bool
	RequireTLS bool

	// Epoch is the time of day at event time 0, for what is written in listings.
	Epoch time.Time
	// KeepBytes says that the carrier never writes to Input.Bytes again, so that
	// uploads can be stored without a copy.
	KeepBytes bool
}

// DefaultServerConfig is ftplab's own server: anonymous may read, nobody else is
// known, both modes are on.
func DefaultServerConfig() ServerConfig {
	return ServerConfig{
		Banner:           "ftplab ready.",
		Anonymous:        true,
		MaxLoginFailures: 3,
		ConnectTimeout:   30 * time.Second,
		AcceptTimeout:    30 * time.Second,
		IdleTimeout:      5 * time.Minute,
		DataTimeout:      time.Minute,
		PassiveEnable:    true,
		PortEnable:       true,
		DataPort20:       true,
		ChunkSize:        64 << 10,
		Epoch:            TreeTime(),
	}
}

// VSFTPDConfig is vsftpd 3.0.3 with its defaults, anonymous reading, and active
// data connections from port 20. SetVSFTPD changes it by the names of vsftpd.conf.
func VSFTPDConfig() ServerConfig {
	c := DefaultServerConfig()
	c.Profile = ProfileVSFTPD
	c.Banner = "(vsFTPd 3.0.3)"
	c.ConnectTimeout = time.Minute
	c.AcceptTimeout = time.Minute
	c.IdleTimeout = 5 * time.Minute
	c.DataTimeout = 5 * time.Minute
	c.IsolateNetwork = true
	return c
}

// SetVSFTPD sets what an option of vsftpd.conf(5) sets: durations in seconds, rates
// in octets a second, YES or NO. An unknown option or a value that cannot be is an
// error.
func (c *ServerConfig) SetVSFTPD(option, value string) error {
	bad := func(want string) error {
		return fmt.Errorf("vsftpd option %s=%s: the value is not %s", option, value, want)
	}
	if target := c.vsftpdSwitch(option); target != nil {
		if value != "YES" && value != "NO" {
			return bad("YES or NO")
		}
		*target = value == "YES"
		return nil
	}
	switch option {
	case "ftpd_banner":
		c.Banner = value
		return nil
	case "pasv_address":
		addr, err := netip.ParseAddr(value)
		if err != nil {
			return bad("an address")
		}
		c.PasvAddress = addr
		return nil
	}
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return bad("a number")
	}
	switch option {
	case "connect_timeout":
		c.ConnectTimeout = time.Duration(n) * time.Second
	case "accept_timeout":
		c.AcceptTimeout = time.Duration(n) * time.Second
	case "idle_session_timeout":
		c.IdleTimeout = time.Duration(n) * time.Second
	case "data_connection_timeout":
		c.DataTimeout = time.Duration(n) * time.Second
	case "pasv_min_port", "pasv_max_port":
		if n > 65535 {
			return bad("a port")
		}
		if option == "pasv_min_port" {
			c.PasvMinPort = uint16(n)
		} else {
			c.PasvMaxPort = uint16(n)
		}
	case "anon_max_rate", "local_max_rate":
		c.MaxRate = int(n)
	case "trans_chunk_size":
		c.ChunkSize = int(n)
	default:
		return fmt.Errorf("vsftpd option %s is not known here", option)
	}
	return nil
}

func (c *ServerConfig) vsftpdSwitch(option string) *bool {
	switch option {
	case "anonymous_enable":
		return &c.Anonymous
	case "connect_from_port_20":
		return &c.DataPort20
	case "pasv_enable":
		return &c.PassiveEnable
	case "port_enable":
		return &c.PortEnable
	case "port_promiscuous", "pasv_promiscuous":
		return &c.Promiscuous
	case "isolate_network":
		return &c.IsolateNetwork
	case "ssl_enable":
		return &c.TLS
	case "force_local_logins_ssl", "force_anon_logins_ssl":
		return &c.RequireTLS
	}
	return nil
}

// BusyReply is the line, without its line end, that a carrier sends instead of a
// greeting when it takes no more sessions.
func (c *ServerConfig) BusyReply() string {
	w := profileFor(c.Profile).words[saidTooManyUsers]
	return strconv.Itoa(w.code) + " " + w.text
}
