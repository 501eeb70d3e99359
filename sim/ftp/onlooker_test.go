package ftp

import (
	"strings"
	"testing"
	"time"

	"ftplab/sim/event"
)

// TestOnlookerJudges follows sessions of a client, one step a line: what it sends after
// ">", what comes after "<", and the words of watch. What is said first is that the
// control connection opens.
func TestOnlookerJudges(t *testing.T) {
	tests := map[string]struct {
		steps          string
		outcome, phase string
		asked          string
		after          time.Duration // -1 if nothing failed
	}{
		"nothing but a login": {
			"< 220 hello\n> USER anonymous\n< 331 password\n> PASS x\n< 230 in\n> QUIT\n< 221 bye\nend\nclose",
			OutcomeOK, PhaseLogin, "", -1,
		},
		"a login that is refused, and an orderly end": {
			"< 220 hello\n> USER joe\n< 331 password\n> PASS x\nwait 3s\n< 530 no\n> QUIT\n< 221 bye\nend\nclose",
			"530", PhaseLogin, "", 3 * time.Second,
		},
		"the last command is refused": {
			"< 220 hello\n> CWD /pub\n< 550 no\n> QUIT\n< 221 bye\nend\nclose", "550", PhaseLogin, "", 0,
		},
		"a command that was refused, and one that was not": {
			"< 220 hello\n> SIZE pub\n< 550 no\n> PWD\n< 257 \"/\"\n> QUIT\n< 221 bye\nend\nclose", OutcomeOK, PhaseLogin, "", -1,
		},
		"the connection comes to nothing, and the program ends in order": {
			"< 220 hello\n> PORT 10,0,0,2,4,3\n< 200 ok\n> RETR f\nwait 4s\n< 425 no\nwait 1s\n> QUIT\n< 221 bye\nend\nclose",
			"425", PhaseTransfer, "PORT", 4 * time.Second,
		},
		"another way after the first, for which no time is left": {
			"< 220 hello\n> EPSV\n< 229 (|||2024|)\ndial\nwait 6s\n> PASV\n< 227 (192,168,10,1,7,232)\nclose\nend",
			OutcomeConnectTimeout, PhaseDataConnect, "EPSV", 6 * time.Second,
		},
		"another way after the first, which was refused": {
			"< 220 hello\n> EPSV\n< 229 (|||2024|)\ndial\nrefuse\n> PASV\n< 227 (192,168,10,1,7,232)\ndial\nwait 6s\nclose\nend",
			OutcomeConnectTimeout, PhaseDataConnect, "PASV", 6 * time.Second,
		},
		"an address that the program does not like": {
			"< 220 hello\n> PASV\n< 227 (10,9,8,7,7,232)\n> QUIT\n< 221 bye\nend\nclose", OutcomeBadReply, PhaseDataSetup, "PASV", 0,
		},
		"a command is sent ahead of the final reply": {
			"< 220 hello\n> PASV\n< 227 (192,168,10,1,7,232)\ndial\nup\n> RETR f\n< 150 here\ndata\neof\n> QUIT\n< 226 done\n< 221 bye\nend\nclose",
			OutcomeOK, PhaseFinalReply, "PASV", -1,
		},
		"the program waits for the final reply in vain": {
			"< 220 hello\n> PASV\n< 227 (192,168,10,1,7,232)\ndial\nup\n> RETR f\n< 150 here\ndata\neof\nwait 9s\n> NOOP\n< 226 done\n< 200 ok\nclose",
			OutcomeControlLostAfterData, PhaseFinalReply, "PASV", 9 * time.Second,
		},
		"STAT is answered during the transfer": {
			"< 220 hello\n> PASV\n< 227 (192,168,10,1,7,232)\ndial\nup\n> RETR f\n> STAT\n< 150 here\n< 211 half\ndata\neof\n< 226 done\nclose",
			OutcomeOK, PhaseFinalReply, "PASV", -1,
		},
		"the file is not there, which the program finds out before it asks for it": {
			"< 220 hello\n> EPSV\n< 229 (|||2024|)\ndial\nup\n> SIZE f\n< 550 no\n> QUIT\n< 221 bye\nend\nclose",
			"550", PhaseCommand, "EPSV", 0,
		},
		"the program waits for TLS in vain": {
			"< 220 hello\n> AUTH TLS\n< 234 go\nwait 6s\nclose", OutcomeHang, PhaseLogin, "", 6 * time.Second,
		},
		"the program has waited long enough for the rest": {
			"< 220 hello\n> EPSV\n< 229 (|||2024|)\ndial\nup\n> RETR f\n< 150 here\ndata\nwait 9s\nbreak\nclose",
			OutcomeDataStall, PhaseTransfer, "EPSV", 9 * time.Second,
		},
		"the person does not want to wait": {
			"< 220 hello\n> EPSV\n< 229 (|||2024|)\ndial\n> LIST\nwait 2s\n> ABOR\nwait 1s\n< 226 done\n> QUIT\n< 221 bye\nend\nclose",
			OutcomeConnectTimeout, PhaseDataConnect, "EPSV", 2 * time.Second,
		},
		"the file is not there": {
			"< 220 hello\n> PASV\n< 227 (192,168,10,1,7,232)\ndial\nup\n> RETR f\n< 550 no\n> QUIT\n< 221 bye\nend\nclose",
			"550", PhaseTransfer, "PASV", 0,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := watch(t, test.steps)
			after := time.Duration(-1)
			if !r.OK {
				after = r.FailAfter
			}
			if r.Outcome != test.outcome || r.Phase != test.phase || r.Asked != test.asked || after != test.after {
				t.Errorf("%s in %s, %q, after %v; want %s in %s, %q, after %v",
					r.Outcome, r.Phase, r.Asked, after, test.outcome, test.phase, test.asked, test.after)
			}
		})
	}
}

// watch tells an Onlooker the steps of a session, and returns its judgement.
func watch(t *testing.T, steps string) *Result {
	t.Helper()
	o := NewOnlooker(false)
	now := event.Time(0)
	o.Begin(now)
	inputs := map[string]Input{
		"up": {Kind: DataUp}, "refuse": {Kind: DataFailed, Err: Refused}, "data": {Kind: DataBytes, Bytes: []byte("text")},
		"eof": {Kind: DataEOF}, "end": {Kind: ControlEOF},
	}
	o.Handle(now, Input{Kind: ControlUp})
	for step := range strings.Lines(steps) {
		word, rest, _ := strings.Cut(strings.TrimSpace(step), " ")
		in, isInput := inputs[word]
		switch {
		case isInput:
			o.Handle(now, in)
		case word == ">":
			o.Wrote(now, Control, []byte(rest+"\r\n"))
		case word == "<":
			o.Handle(now, Input{Kind: ControlBytes, Bytes: []byte(rest + "\r\n")})
		case word == "dial":
			o.Dialled(now)
		case word == "close":
			o.Left(now, Control)
		case word == "break":
			o.Left(now, Data)
		case word == "wait":
			d, err := time.ParseDuration(rest)
			if err != nil {
				t.Fatal(err)
			}
			now = now.Add(d)
		default:
			t.Fatalf("what is %q?", step)
		}
	}
	return o.Result(now.Add(300 * time.Millisecond))
}
