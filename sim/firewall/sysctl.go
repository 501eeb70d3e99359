package firewall

import "time"

// settings are a device's switches with their defaults filled in.
type settings struct {
	tcp        tcpTimeouts
	udp        time.Duration // no reply yet
	udpStream  time.Duration // packets both ways for two seconds
	icmp       time.Duration
	icmpv6     time.Duration
	generic    time.Duration // every other protocol
	maxRetrans uint8
	// loose picks up connections whose beginning was not seen; liberal takes only an
	// out-of-window reset for invalid; ignoreInvalidRST not even that.
	loose, liberal, ignoreInvalidRST bool
	checksum                         bool // a wrong checksum makes a packet invalid
	maxEntries, maxExpectations      int
	// ftpLoose lets a helper expect a connection to an address that is not the
	// sender's own (the module's parameter loose).
	ftpLoose bool
	// strictNumbers makes numbers out of range in an FTP command end the match
	// (kernels after 6.18); else they wrap around.
	strictNumbers bool
}

// tcpTimeouts are the life of an entry in each TCP state, and of one that sends
// without being acknowledged.
type tcpTimeouts struct {
	state          [numTCPStates]time.Duration
	maxRetrans     time.Duration
	unacknowledged time.Duration
}

// Defaults of Linux 6.18 (nf_conntrack-sysctl.rst).
func newSettings(o Options) settings {
	seconds := func(name string, preset int) time.Duration {
		if v, ok := o.Sysctl["net.netfilter.nf_conntrack_"+name]; ok {
			preset = v
		}
		return time.Duration(preset) * time.Second
	}
	number := func(name string, preset int) int {
		if v, ok := o.Sysctl[name]; ok {
			return v
		}
		return preset
	}
	const nf = "net.netfilter.nf_conntrack_"
	s := settings{
		udp:              seconds("udp_timeout", 30),
		udpStream:        seconds("udp_timeout_stream", 120),
		icmp:             seconds("icmp_timeout", 30),
		icmpv6:           seconds("icmpv6_timeout", 30),
		generic:          seconds("generic_timeout", 600),
		maxRetrans:       uint8(number(nf+"tcp_max_retrans", 3)),
		loose:            number(nf+"tcp_loose", 1) != 0,
		liberal:          number(nf+"tcp_be_liberal", 0) != 0,
		ignoreInvalidRST: number(nf+"tcp_ignore_invalid_rst", 0) != 0,
		checksum:         number(nf+"checksum", 1) != 0,
		maxEntries:       number(nf+"max", 262144),
		maxExpectations:  number(nf+"expect_max", 4096),
		ftpLoose:         number("nf_conntrack_ftp.loose", 0) != 0,
		strictNumbers:    o.Profile == ProfileLinuxStrict,
	}
	s.tcp = tcpTimeouts{
		maxRetrans:     seconds("tcp_timeout_max_retrans", 300),
		unacknowledged: seconds("tcp_timeout_unacknowledged", 300),
	}
	s.tcp.state[tcpSynSent] = seconds("tcp_timeout_syn_sent", 120)
	s.tcp.state[tcpSynRecv] = seconds("tcp_timeout_syn_recv", 60)
	s.tcp.state[tcpEstablished] = seconds("tcp_timeout_established", 432000)
	s.tcp.state[tcpFinWait] = seconds("tcp_timeout_fin_wait", 120)
	s.tcp.state[tcpCloseWait] = seconds("tcp_timeout_close_wait", 60)
	s.tcp.state[tcpLastAck] = seconds("tcp_timeout_last_ack", 30)
	s.tcp.state[tcpTimeWait] = seconds("tcp_timeout_time_wait", 120)
	s.tcp.state[tcpClose] = seconds("tcp_timeout_close", 10)
	s.tcp.state[tcpSynSent2] = s.tcp.state[tcpSynSent]
	return s
}

// Profiles of Options.Profile that change what Linux does.
const (
	// ProfileLinux is Linux 6.18.
	ProfileLinux = "linux"
	// ProfileLinuxStrict is Linux after 6.18: numbers out of range in a PORT, EPRT, 227
	// or 229 end the match (and so the packet) instead of wrapping around.
	ProfileLinuxStrict = "linux-strict"
)
