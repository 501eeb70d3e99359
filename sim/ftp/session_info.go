package ftp

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// setType handles TYPE (RFC 959, section 3.1.1).
func (s *Session) setType(arg string) {
	switch upperASCII(arg) {
	case "A", "A N":
		s.ascii = true
		s.say(saidTypeASCII)
	case "I", "L 8":
		s.ascii = false
		s.say(saidTypeBinary)
	default:
		if strings.HasPrefix(arg, " ") {
			s.refuse(saidTypeSyntax)
			return
		}
		s.refuse(saidTypeUnsupported)
	}
}

// setStructure handles STRU.
func (s *Session) setStructure(arg string) {
	switch upperASCII(arg) {
	case "F":
		s.say(saidStructureFile)
	case "R", "P":
		s.refuse(saidStructureUnsupported)
	default:
		s.refuse(saidStructureSyntax)
	}
}

// setMode handles MODE.
func (s *Session) setMode(arg string) {
	switch upperASCII(arg) {
	case "S":
		s.say(saidModeStream)
	case "B", "C", "Z":
		s.refuse(saidModeUnsupported)
	default:
		s.refuse(saidModeSyntax)
	}
}

func (s *Session) allocate(string)   { s.say(saidAllocateIgnored) }
func (s *Session) noop(string)       { s.say(saidNoop) }
func (s *Session) system(string)     { s.say(saidSystem) }
func (s *Session) clientName(string) { s.say(saidClientNoted) }

// virtualHost refuses HOST (RFC 7151, section 3).
func (s *Session) virtualHost(string) {
	if s.login.done {
		s.refuse(saidHostTooLate)
		return
	}
	s.refuse(saidHostUnknown)
}

// features handles FEAT (RFC 2389, section 3).
func (s *Session) features(string) {
	if s.config.Profile == ProfileVSFTPD {
		s.replyLines(211, "Features:", s.vsftpdFeatures(), "End")
		return
	}
	lines := []string{" CLNT", " EPRT", " EPSV", " MDTM", " MFMT",
		" MLST " + allFacts.names(s.facts, "*"),
		" REST STREAM", " SIZE", " TVFS", " UTF8"}
	if s.config.TLS {
		lines = append([]string{" AUTH TLS", " CCC"}, lines...)
		lines = append(lines, " PBSZ", " PROT")
	}
	s.replyLines(211, "Features:", lines, "End")
}

// options handles OPTS (RFC 2389, section 4).
func (s *Session) options(arg string) {
	name, value, _ := strings.Cut(arg, " ")
	switch {
	case strings.EqualFold(arg, "UTF8 ON") || strings.EqualFold(arg, "UTF8"):
		s.say(saidOptionSet, "Always in UTF8 mode.")
	case strings.EqualFold(name, "MLST") && s.config.Profile == ProfileOwn:
		s.facts = parseFacts(value)
		s.say(saidOptionSet, strings.TrimSpace("MLST OPTS "+s.facts.names(0, "")))
	default:
		s.refuse(saidOptionBad)
	}
}

// help handles HELP (RFC 959, section 4.1.3).
func (s *Session) help(arg string) {
	if s.config.Profile == ProfileVSFTPD {
		s.replyLines(214, "The following commands are recognized.", vsftpdHelp[:], "Help OK.")
		return
	}
	if arg != "" {
		if c := s.lookup(upperASCII(arg)); c != nil {
			s.say(saidHelpSyntax, c.syntax)
			return
		}
		s.refuse(saidHelpUnknown)
		return
	}
	const perLine = 10
	var lines []string
	for i, c := range s.profile.commands {
		if i%perLine == 0 {
			lines = append(lines, "")
		}
		lines[len(lines)-1] += fmt.Sprintf(" %-4s", c.verb)
	}
	s.replyLines(214, "Commands:", lines, "HELP command shows the syntax.")
}

// status handles STAT (RFC 959, section 4.1.3): of the session, or of a file.
func (s *Session) status(arg string) {
	switch {
	case arg != "" && !s.login.done:
		s.refuse(saidPleaseLogIn)
	case arg != "":
		s.fileStatus(arg)
	case s.config.Profile == ProfileVSFTPD:
		s.replyLines(211, "FTP server status:", s.vsftpdStatus(), "End of status")
	default:
		s.replyLines(211, "Status:", s.statusLines(), "End")
	}
}

func (s *Session) statusLines() []string {
	lines := []string{" Connected from " + s.peer.String()}
	if s.login.done {
		lines = append(lines, " Logged in as "+cleanText(s.login.name))
	} else {
		lines = append(lines, " Not logged in")
	}
	kind := "I"
	if s.ascii {
		kind = "A"
	}
	lines = append(lines, " TYPE "+kind+", STRU F, MODE S")
	lines = append(lines, " Control connection in "+protection(s.security.controlTLS)+", data connections in "+protection(s.security.private))
	return append(lines, " "+s.dataStatus())
}

func protection(tls bool) string {
	if tls {
		return "TLS"
	}
	return "clear"
}

func (s *Session) dataStatus() string {
	t := &s.transfer
	switch {
	case t.kind != noTransfer && s.busy == busyConnecting:
		return "Waiting for the data connection"
	case t.kind == sendingTransfer && !t.listing:
		return fmt.Sprintf("Sending %s: %d of %d octets", cleanText(t.name), t.offset, t.size)
	case t.kind == sendingTransfer:
		return fmt.Sprintf("Sending a listing: %d of %d octets", t.offset, t.size)
	case t.kind == receivingTransfer:
		return fmt.Sprintf("Receiving %s: %d octets", cleanText(t.name), t.octets)
	case s.data.mode == passive:
		return "Passive: waiting for a transfer command"
	case s.data.mode == active:
		return "Active: will connect to " + s.data.target.String()
	}
	return "No data connection"
}

// fileStatus lists a file or directory over the control connection.
func (s *Session) fileStatus(arg string) {
	if s.profile.dotEntries {
		arg = "-a " + arg
	}
	t, err := s.listTarget(arg)
	if err != nil && !s.profile.emptyWhenMissing {
		s.refuse(saidStatusMissing)
		return
	}
	lines := make([]string, 0, len(t.entries))
	for _, f := range t.entries {
		line := cleanText(string(appendListLine(nil, f, f.Name, s.wallClock())))
		if !s.profile.dotEntries {
			line = " " + line
		}
		lines = append(lines, line)
	}
	code := 213
	if t.dir && !s.profile.dotEntries {
		code = 212
	}
	s.replyLines(code, "Status follows:", lines, "End of status")
}

// site handles SITE (RFC 959, section 4.1.3).
func (s *Session) site(arg string) {
	verb, rest, _ := strings.Cut(arg, " ")
	switch upperASCII(verb) {
	case "HELP":
		s.say(saidSiteHelp)
	case "CHMOD":
		s.changeMode(rest)
	default:
		s.refuse(saidSiteUnknown)
	}
}

func (s *Session) changeMode(arg string) {
	octal, name, _ := strings.Cut(arg, " ")
	perm, err := strconv.ParseUint(octal, 8, 32)
	if err != nil || perm > 0o777 || name == "" {
		s.refuse(saidChmodSyntax)
		return
	}
	err = s.writable()
	if err == nil {
		err = s.files.SetPerm(s.resolve(name), uint32(perm))
	}
	if err != nil {
		s.refuse(saidChmodFailed, reason(err))
		return
	}
	s.say(saidChmodDone)
}

// vsftpdHelp is what vsftpd's HELP lists.
var vsftpdHelp = [...]string{
	" ABOR ACCT ALLO APPE CDUP CWD  DELE EPRT EPSV FEAT HELP LIST MDTM MKD",
	" MODE NLST NOOP OPTS PASS PASV PORT PWD  QUIT REIN REST RETR RMD  RNFR",
	" RNTO SITE SIZE SMNT STAT STOR STOU STRU SYST TYPE USER XCUP XCWD XMKD",
	" XPWD XRMD",
}

func (s *Session) vsftpdFeatures() []string {
	if !s.config.TLS {
		return []string{" EPRT", " EPSV", " MDTM", " PASV", " REST STREAM", " SIZE", " TVFS"}
	}
	return []string{" AUTH TLS", " EPRT", " EPSV", " MDTM", " PASV", " PBSZ", " PROT", " REST STREAM", " SIZE", " TVFS"}
}

func (s *Session) vsftpdStatus() []string {
	kind, rate := "BINARY", "No session bandwidth limit"
	if s.ascii {
		kind = "ASCII"
	}
	if s.config.MaxRate > 0 {
		rate = fmt.Sprintf("Session bandwidth limit in byte/s is %d", s.config.MaxRate)
	}
	control, data := "Control connection is plain text", "Data connections will be plain text"
	if s.security.controlTLS {
		control = "Control connection is encrypted"
	}
	if s.security.private {
		data = "Data connections will be encrypted"
	}
	lines := []string{
		"Connected to " + s.peer.Addr().String(),
		"Logged in as " + cleanText(s.login.name),
		"TYPE: " + kind,
		rate,
		fmt.Sprintf("Session timeout in seconds is %d", s.config.IdleTimeout/time.Second),
		control,
		data,
		"At session startup, client count was 1",
		"vsFTPd 3.0.3 - secure, fast, stable",
	}
	for i := range lines {
		lines[i] = "     " + lines[i]
	}
	return lines
}
