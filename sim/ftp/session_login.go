package ftp

import (
	"crypto/subtle"
	"path"
	"strings"
)

// loginState is how far a login has come.
type loginState struct {
	name      string // of USER
	asked     bool   // USER was answered by 331
	done      bool
	anonymous bool
	mayWrite  bool
	failures  int
}

func isAnonymousName(name string) bool {
	return strings.EqualFold(name, "anonymous") || strings.EqualFold(name, "ftp")
}

// user handles USER (RFC 959, section 4.1.1). Every name is answered the same, so
// that names cannot be tried (RFC 2577, section 6).
func (s *Session) user(name string) {
	if s.config.RequireTLS && !s.security.controlTLS {
		s.refuse(saidTLSRequired)
		return
	}
	if s.login.done && s.profile.keepsUser {
		if name != s.login.name {
			s.refuse(saidCannotChangeUser)
			return
		}
		s.say(saidGiveAnyPassword)
		return
	}
	s.forgetUser()
	s.login.name, s.login.asked = name, true
	if s.config.Anonymous && isAnonymousName(name) && !s.profile.keepsUser {
		s.say(saidGiveAnyPassword)
		return
	}
	s.say(saidGivePassword)
}

// forgetUser undoes a login: a USER or REIN begins anew (RFC 959, section 4.1.1).
// The failures stay counted.
func (s *Session) forgetUser() {
	s.login = loginState{failures: s.login.failures}
	s.dir, s.ascii, s.restart, s.rename = "/", true, 0, ""
	s.facts, s.epsvOnly = allFacts, false
	s.dropData()
}

// pass handles PASS.
func (s *Session) pass(password string) {
	switch {
	case s.login.done && s.profile.keepsUser:
		s.say(saidAlreadyLoggedIn)
		return
	case !s.login.asked || s.login.done:
		s.refuse(saidUserFirst)
		return
	}
	if !s.authenticate(password) {
		s.login.name, s.login.asked = "", false
		s.login.failures++
		s.refuse(saidLoginIncorrect)
		if limit := s.config.MaxLoginFailures; limit > 0 && s.login.failures >= limit {
			if !s.profile.closesAfterFailures {
				s.say(saidTooManyFailures)
			}
			s.close()
		}
		return
	}
	s.login.done = true
	s.say(saidLoggedIn)
}

// authenticate fills in what the user may do. It takes as long for a wrong name as
// for a wrong password.
func (s *Session) authenticate(password string) bool {
	found := false
	for _, u := range s.config.Users {
		same := subtle.ConstantTimeCompare([]byte(u.Name), []byte(s.login.name)) &
			subtle.ConstantTimeCompare([]byte(u.Password), []byte(password))
		if same == 1 {
			found = true
			s.login.mayWrite = u.MayWrite
		}
	}
	if found {
		return true
	}
	if s.config.Anonymous && isAnonymousName(s.login.name) {
		s.login.anonymous = true
		return true
	}
	return false
}

func (s *Session) quit(string) {
	s.say(saidGoodbye)
	s.controls.quitting = true
	s.waiting, s.waitingSize = nil, 0
}

// reinitialize handles REIN: a transfer in progress would go on, but commands wait
// for its end anyway.
func (s *Session) reinitialize(string) {
	s.forgetUser()
	s.say(saidReinitialized)
}

func (s *Session) account(string) { s.say(saidAccountIgnored) }

// auth handles AUTH (RFC 2228, RFC 4217 section 4).
func (s *Session) auth(mechanism string) {
	switch {
	case !s.config.TLS && s.profile.laxArguments && s.login.done:
		s.refuse(saidUnknownCommand)
	case !s.config.TLS:
		s.refuseWithoutTLS()
	case s.security.controlTLS:
		s.refuse(saidTLSAlready)
	default:
		switch upperASCII(mechanism) {
		case "TLS", "TLS-C", "SSL":
			s.say(saidTLSProceed)
			// Nothing that came in clear after AUTH counts as said under TLS.
			s.lines.reset()
			s.waiting, s.waitingSize = nil, 0
			s.forgetUser()
			s.setBusy(busyControlTLS, s.config.IdleTimeout)
			s.effects.push(Effect{Kind: StartTLS, Channel: Control})
		default:
			s.refuse(saidTLSMechanism)
		}
	}
}

func (s *Session) onTLS(in Input) {
	switch {
	case in.Channel == Control && s.busy == busyControlTLS:
		if in.Kind == TLSFailed {
			s.setBusy(idle, 0)
			s.close()
			return
		}
		s.security = security{controlTLS: true}
		s.setBusy(idle, 0)
	case in.Channel == Data && s.busy == busyDataTLS:
		if in.Kind == TLSFailed {
			s.failTransfer(saidDataTLSFailed)
			return
		}
		s.runTransfer()
	}
}

// protectionBufferSize handles PBSZ (RFC 4217, section 8): for TLS it is 0.
func (s *Session) protectionBufferSize(arg string) {
	switch {
	case !s.security.controlTLS:
		s.refuseWithoutTLS()
	case arg == "" || strings.Trim(arg, "0123456789") != "":
		s.refuse(saidBufferSyntax)
	default:
		s.security.bufferSize = true
		s.say(saidBufferSize)
	}
}

func (s *Session) protect(level string) {
	switch {
	case !s.security.controlTLS:
		s.refuseWithoutTLS()
	case !s.security.bufferSize:
		s.refuse(saidProtBufferFirst)
	case strings.EqualFold(level, "P"):
		s.security.private = true
		s.say(saidProtPrivate)
	case strings.EqualFold(level, "C") && s.config.RequireTLS:
		s.refuse(saidProtUnsupported)
	case strings.EqualFold(level, "C"):
		s.security.private = false
		s.say(saidProtClear)
	case strings.EqualFold(level, "S"), strings.EqualFold(level, "E"):
		s.refuse(saidProtUnsupported)
	default:
		s.refuse(saidProtSyntax)
	}
}

func (s *Session) refuseWithoutTLS() {
	switch {
	case !s.config.TLS && s.profile.laxArguments && !s.login.done:
		s.refuse(saidPleaseLogIn)
	case !s.config.TLS && s.profile.laxArguments:
		s.refuse(saidPermissionDenied)
	case !s.config.TLS:
		s.refuse(saidNotImplemented)
	default:
		s.refuse(saidTLSNeeded)
	}
}

// clearControl handles CCC (RFC 4217, section 12.3): the control connection goes on
// in clear, so that a firewall can read it; the data stays as PROT says.
func (s *Session) clearControl(string) {
	if !s.security.controlTLS {
		s.refuseWithoutTLS()
		return
	}
	s.say(saidClearControl)
	s.security.controlTLS = false
	s.lines.reset()
	s.effects.push(Effect{Kind: StopTLS, Channel: Control})
}

// mayCreate reports whether the user may create a new file at the path.
func (s *Session) mayCreate(name string) bool {
	if s.login.mayWrite {
		return true
	}
	upload := s.config.AnonymousUpload
	return s.login.anonymous && upload != "" && isBelow(name, path.Clean("/"+upload))
}

// isBelow reports whether a cleaned path lies below a cleaned directory.
func isBelow(name, dir string) bool {
	return strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}
