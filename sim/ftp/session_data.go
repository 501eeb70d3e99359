package ftp

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// dataConnection is how the next transfer gets its data connection, and the
// connection itself. One PORT or PASV is good for one transfer.
type dataConnection struct {
	mode      dataMode
	listening bool           // a listener is open, or asked for
	extended  bool           // by EPSV: answer 229
	foreign   bool           // somebody else connected, and that is an error
	target    netip.AddrPort // of PORT or EPRT
	up        bool
	peer      netip.AddrPort // of the connection, when up
	eof       bool           // the peer has sent its FIN
	early     [][]byte       // what arrived before the transfer began
	earlySize int
}

// dataMode is how the data connection will be made.
type dataMode uint8

const (
	noDataMode dataMode = iota
	passive             // PASV, EPSV
	active              // PORT, EPRT
)

// maxEarlyData is how much a client may send before its STOR. A carrier that waits
// for ReceiveData never delivers any.
const maxEarlyData = 64 << 10

// dropData closes the listener and the data connection and forgets PORT.
func (s *Session) dropData() {
	if s.data.listening {
		s.ask(CloseListener)
	}
	if s.data.up {
		s.ask(AbortData)
	}
	s.data = dataConnection{}
}

// pasv handles PASV (RFC 959, section 4.1.2).
func (s *Session) pasv(string) {
	switch {
	case s.epsvOnly:
		s.refuse(saidOnlyExtendedPassive)
	case !s.config.PassiveEnable:
		s.refuse(saidPassiveOff)
	case !s.local.Addr().Is4() && !s.config.PasvAddress.Is4() && !s.profile.laxArguments:
		s.refuse(saidPassiveNotIPv6)
	default:
		s.listen(false)
	}
}

// epsv handles EPSV (RFC 2428, section 3).
func (s *Session) epsv(arg string) {
	switch {
	case !s.config.PassiveEnable:
		s.refuse(saidPassiveOff)
	case strings.EqualFold(arg, "ALL"):
		s.epsvOnly = true
		s.say(saidExtendedPassiveAll)
	case arg == "" || arg == strconv.Itoa(s.familyNumber()) || s.profile.laxArguments && arg == "1":
		s.listen(true)
	case strings.Trim(arg, "0123456789") == "":
		s.refuse(saidEPSVFamily, s.familyNumber())
	default:
		s.refuse(saidEPSVSyntax)
	}
}

// familyNumber is the control connection's address family as RFC 2428 numbers it.
func (s *Session) familyNumber() int {
	if s.local.Addr().Is4() {
		return 1
	}
	return 2
}

func (s *Session) listen(extended bool) {
	s.dropData()
	s.data.mode, s.data.listening, s.data.extended = passive, true, extended
	s.setBusy(busyListening, 0)
	s.effects.push(Effect{
		Kind:    Listen,
		Local:   netip.AddrPortFrom(s.local.Addr(), s.config.PasvMinPort),
		PortMax: s.config.PasvMaxPort,
	})
}

// onListen answers PASV or EPSV once the listener is there.
func (s *Session) onListen(in Input) {
	if s.busy != busyListening {
		return
	}
	s.setBusy(idle, 0)
	if in.Kind == ListenFailed {
		s.data = dataConnection{}
		s.say(saidPassiveNoPort)
		return
	}
	port := in.Addr.Port()
	host := s.local.Addr()
	if s.data.extended {
		s.note(Effect{Note: AddressAnnounced, Text: "229", Addr: netip.AddrPortFrom(host, port)})
		s.say(saidExtendedPassive, Format229(port))
		return
	}
	if s.config.PasvAddress.Is4() {
		host = s.config.PasvAddress
	}
	if !host.Is4() {
		host = netip.IPv4Unspecified() // what vsftpd says on IPv6
	}
	addr := netip.AddrPortFrom(host, port)
	s.note(Effect{Note: AddressAnnounced, Text: "227", Addr: addr})
	s.say(saidPassive, FormatPORT(addr))
}

// port handles PORT (RFC 959, section 4.1.2; RFC 2577, section 3, for the checks).
func (s *Session) port(arg string) {
	if s.profile.laxArguments {
		arg = strings.TrimLeft(arg, " ")
	}
	addr, err := ParsePORT(arg)
	switch {
	case s.epsvOnly:
		s.refuse(saidOnlyExtendedPassive)
	case !s.config.PortEnable:
		s.refuse(saidPortOff)
	case err != nil || addr.Port() == 0:
		s.refuse(saidPortSyntax, addressFault(err))
	case !s.peer.Addr().Is4():
		s.refuse(saidPortIPv6)
	default:
		s.activate("PORT", addr, saidPortOK, saidPortForeign, saidPortPrivileged)
	}
}

// eprt handles EPRT (RFC 2428, section 2).
func (s *Session) eprt(arg string) {
	if s.profile.laxArguments {
		s.eprtVSFTPD(arg)
		return
	}
	addr, err := ParseEPRT(arg)
	fault, _ := err.(*AddressError)
	switch {
	case s.epsvOnly:
		s.refuse(saidOnlyExtendedPassive)
	case !s.config.PortEnable:
		s.refuse(saidPortOff)
	case fault != nil && fault.Family:
		s.refuse(saidEPRTFamily, s.familyNumber())
	case fault != nil:
		s.refuse(saidEPRTSyntax, addressFault(err))
	case addr.Addr().Is4() != s.peer.Addr().Is4():
		s.refuse(saidEPRTFamily, s.familyNumber())
	default:
		s.activate("EPRT", addr, saidEPRTOK, saidEPRTForeign, saidEPRTPrivileged)
	}
}

func addressFault(err error) string {
	if err == nil {
		return "port 0"
	}
	return err.Error()
}

// activate takes the address of PORT or EPRT for the next transfer.
func (s *Session) activate(verb string, addr netip.AddrPort, ok, foreign, privileged phrase) {
	s.note(Effect{Note: AddressAnnounced, Text: verb, Addr: addr})
	if addr.Addr() == s.peer.Addr().WithZone("") || addr.Addr().IsUnspecified() && !s.profile.laxArguments {
		// A link-local address is said without its zone; lftp says "::" and means the
		// address it comes from.
		addr = netip.AddrPortFrom(s.peer.Addr(), addr.Port())
	}
	anywhere := s.config.AllowBounce || s.config.Promiscuous
	switch {
	case !anywhere && addr.Addr() != s.peer.Addr():
		s.refuse(foreign, s.peer.Addr().String())
		return
	case !anywhere && addr.Port() < 1024:
		s.refuse(privileged)
		return
	}
	s.dropData()
	s.data.mode, s.data.target = active, addr
	s.say(ok)
}

// onData handles everything that happens on the data connection.
func (s *Session) onData(in Input) {
	switch in.Kind {
	case DataUp:
		s.onDataUp(in)
	case DataFailed:
		if s.busy == busyConnecting && s.data.mode == active {
			s.failTransfer(saidDataFailed, in.Err.String())
		}
	case DataBytes:
		s.onDataBytes(in.Bytes)
	case DataEOF:
		s.data.eof = true
		if s.busy == busyReceiving {
			s.finishReceiving()
		}
	case DataLost:
		s.onDataLost()
	case DataRoom:
		if s.busy == busySending {
			s.restartProgress()
			s.pace()
		}
	case DataFlushed:
		if s.busy == busyFlushing {
			s.finishSending()
		}
	}
}

func (s *Session) onDataUp(in Input) {
	if s.data.mode == noDataMode || s.data.up {
		s.ask(AbortData)
		return
	}
	peer := unmapped(in.Addr)
	if s.data.mode == passive && peer.Addr() != s.peer.Addr() && !s.config.AllowBounce && !s.config.Promiscuous {
		// Port theft (RFC 2577, section 4): whoever guesses the port gets the file.
		s.note(Effect{Note: CommandRefused, Text: "data connection from " + peer.String() + ", the control connection is from " + s.peer.Addr().String()})
		s.ask(AbortData)
		if s.profile.foreignDataFails {
			s.data.foreign = true
			if s.busy == busyConnecting {
				s.failTransfer(saidDataForeign)
			}
		}
		return
	}
	s.data.up, s.data.peer = true, peer
	if s.data.listening {
		s.ask(CloseListener)
		s.data.listening = false
	}
	if s.busy == busyConnecting {
		s.startTransfer()
	}
}

func (s *Session) onDataBytes(b []byte) {
	if s.busy == busyReceiving {
		s.restartProgress()
		s.receive(b)
		return
	}
	if !s.data.up || s.transfer.kind == sendingTransfer {
		return // a client that talks while it is sent to
	}
	s.data.earlySize += len(b)
	if s.data.earlySize > maxEarlyData {
		s.note(Effect{Note: GaveUp, Text: "too much data before a transfer command"})
		s.dropData()
		return
	}
	if !s.config.KeepBytes {
		b = bytes.Clone(b)
	}
	s.data.early = append(s.data.early, b)
}

func (s *Session) onDataLost() {
	wasUp := s.data.up
	s.data.up = false
	switch s.busy {
	case busySending, busyFlushing, busyDataTLS:
		s.failTransfer(saidDataLostSending)
	case busyReceiving:
		s.failTransfer(saidDataLostReceiving)
	default:
		if wasUp {
			s.data = dataConnection{}
		}
	}
}
