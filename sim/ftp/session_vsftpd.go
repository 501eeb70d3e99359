package ftp

import (
	"net/netip"
	"strconv"
	"strings"
)

// vsftpdAbort is the only Telnet that vsftpd knows: the Synch before ABOR.
const vsftpdAbort = "\xff\xf4\xff\xf2ABOR"

// eprtVSFTPD reads EPRT as vsftpd does: only '|' delimits, the last one may be
// missing, the address is the only thing that is checked.
func (s *Session) eprtVSFTPD(arg string) {
	before, rest, _ := strings.Cut(arg, "|")
	if before != "" {
		s.refuse(saidEPRTSyntax)
		return
	}
	family, rest, _ := strings.Cut(rest, "|")
	host, rest, _ := strings.Cut(rest, "|")
	port, _, _ := strings.Cut(rest, "|")
	if family != "1" && (family != "2" || s.peer.Addr().Is4()) {
		s.refuse(saidEPRTFamily)
		return
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Is4() != (family == "1") {
		s.refuse(saidEPRTSyntax)
		return
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		s.refuse(saidEPRTSyntax)
		return
	}
	s.activate("EPRT", netip.AddrPortFrom(addr, uint16(n)), saidEPRTOK, saidEPRTForeign, saidEPRTPrivileged)
}

// promiscuousPitfall is what vsftpd dies of with port_promiscuous=YES when a transfer
// is to connect; "" when it lives.
func (s *Session) promiscuousPitfall() string {
	switch {
	case !s.config.Promiscuous || s.data.mode != active:
		return ""
	case s.config.IsolateNetwork:
		// Its unprivileged, network-isolated child is to open the socket, and cannot.
		return "vsf_sysutil_bind"
	case s.data.target.Port() < 1024:
		return "Illegal port request"
	}
	return ""
}

// die is what vsftpd does when its process meets something impossible: it tells on
// the socket, in clear, and is gone. Under TLS that breaks the connection.
func (s *Session) die(reason string) {
	s.note(Effect{Note: CommandRefused, Text: reason})
	s.abandon()
	if s.security.controlTLS {
		s.endWith(AbortControl)
		return
	}
	s.reply(500, "OOPS: "+reason)
	s.reply(500, "OOPS: priv_sock_get_cmd")
	s.endWith(CloseControl)
}
