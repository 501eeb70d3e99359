package report

import (
	"strings"
	"unicode/utf8"

	"ftplab/sim/ftp"
)

// HidePassword replaces the argument of a PASS command by asterisks.
func HidePassword(line string) string {
	if len(line) > 5 && strings.EqualFold(line[:5], "PASS ") {
		return line[:5] + "****"
	}
	return line
}

// IsBinary reports whether what a control connection carries is not text: TLS.
func IsBinary(payload []byte) bool {
	if !utf8.Valid(payload) {
		return true
	}
	for _, c := range payload {
		if c < ' ' && c != '\r' && c != '\n' && c != '\t' {
			return true
		}
	}
	return false
}

// OutcomeWords says an outcome for people: "connect timeout".
func OutcomeWords(outcome string) string {
	switch outcome {
	case ftp.OutcomeOK:
		return "ok"
	case ftp.OutcomeConnectTimeout:
		return "data connect timed out"
	case ftp.OutcomeRefusedRST:
		return "data connect refused (RST)"
	case ftp.OutcomeRefusedICMP:
		return "data connect refused (ICMP)"
	case ftp.OutcomeUnreachable:
		return "data connect unreachable"
	case ftp.OutcomeHang:
		return "no reply"
	case ftp.OutcomeControlConnectTimeout:
		return "control connect timed out"
	case ftp.OutcomeControlRefused:
		return "control connect refused"
	case ftp.OutcomeControlUnreachable:
		return "control connect unreachable"
	case ftp.OutcomeControlClosed:
		return "control connection closed"
	case ftp.OutcomeControlReset:
		return "control connection reset"
	case ftp.OutcomeControlLostAfterData:
		return "data arrived, final reply lost"
	case ftp.OutcomeDataStall:
		return "data stalled"
	case ftp.OutcomeDataError:
		return "data connection broke"
	case ftp.OutcomeNoSession:
		return "no control connection was opened"
	case ftp.OutcomeBadReply:
		return "a reply that makes no sense"
	case ftp.OutcomeLocalError:
		return "failed on the client's own side"
	case ftp.OutcomeBounce + "226":
		return "bounce succeeded"
	}
	if len(outcome) == 3 {
		return "reply " + outcome
	}
	return strings.ReplaceAll(outcome, "_", " ")
}

// PhaseWords says a phase for people: "while connecting for the data".
func PhaseWords(phase string) string {
	switch phase {
	case ftp.PhaseControlConnect:
		return "while connecting to the server"
	case ftp.PhaseLogin:
		return "while logging in"
	case ftp.PhaseCommand:
		return "during a command"
	case ftp.PhaseDataSetup:
		return "while agreeing on the data connection"
	case ftp.PhaseDataConnect:
		return "while opening the data connection"
	case ftp.PhaseTransfer:
		return "during the transfer"
	case ftp.PhaseFinalReply:
		return "while waiting for the final reply"
	}
	return "in phase " + phase
}
