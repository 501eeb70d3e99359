package tcp

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ftplab/sim/event"
	"ftplab/sim/wire"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the connection does into testdata/scripts")

// TestScripts plays testdata/scripts/*.txt. A script is a dialogue with one Conn. Each
// line begins with the time in seconds and says what is done to the connection:
//
//	0.000 dial | accept SEGMENT       an open; options of "config" before it hold
//	0.000 write N [more] | urgent N | read | closewrite | close | abort
//	0.000 < SEGMENT                   a segment arrives: "A seq 1 ack 1 win 1000 len 5 sack 10-20"
//	0.000 icmp NAME seq N             an ICMP error arrives
//
// or what the connection answers, which -update writes and the test compares:
//
//	0.000 > SEGMENT (why)             a segment leaves
//	0.000 = STATE [failure]           its state changes
//
// Sequence numbers are relative to the initial ones; the timers are exact unless
// "config" says otherwise. A line that begins with # is a comment.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts:", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p := newPlayer(t)
			for i, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
				if err := p.line(line); err != nil {
					t.Fatalf("%s:%d: %v", file, i+1, err)
				}
			}
			got := p.out.String()
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(string(text), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("the connection does not follow %s (-script +got); -update accepts it:\n%s", file, diff)
			}
		})
	}
}

const (
	scriptISS     = 1000
	scriptPeerISS = 5000
)

// player plays one script.
type player struct {
	t     *testing.T
	cfg   Config
	c     *Conn
	now   event.Time
	state State
	out   strings.Builder
}

func newPlayer(t *testing.T) *player {
	p := &player{t: t, cfg: DefaultConfig()}
	p.cfg.TimerTick = 0
	return p
}

// line plays one line of the script and copies it to the output, unless it is an
// answer.
func (p *player) line(line string) error {
	words := strings.Fields(line)
	switch {
	case len(words) == 0 || strings.HasPrefix(line, "#"):
		fmt.Fprintln(&p.out, line)
		return nil
	case words[0] == "config":
		fmt.Fprintln(&p.out, line)
		return p.configure(words[1:])
	}
	seconds, err := strconv.ParseFloat(words[0], 64)
	if err != nil || len(words) < 2 {
		return fmt.Errorf("%q does not begin with a time and a word", line)
	}
	if words[1] == ">" || words[1] == "=" {
		return nil
	}
	p.advance(event.Time(seconds*1e6+0.5) * 1000)
	fmt.Fprintln(&p.out, line)
	if err := p.act(words[1], words[2:]); err != nil {
		return err
	}
	p.answers()
	return nil
}

// advance lets the timers go off until the time t.
func (p *player) advance(t event.Time) {
	for p.c != nil && p.c.Deadline() <= t {
		p.now = max(p.now, p.c.Deadline())
		p.c.Tick(p.now)
		p.answers()
	}
	p.now = t
}

func (p *player) answers() {
	if p.c == nil {
		return
	}
	for range 10_000 {
		var seg wire.Packet
		why, ok := p.c.Emit(p.now, &seg)
		if !ok {
			break
		}
		fmt.Fprintf(&p.out, "%.3f > %s (%v)\n", p.now.Seconds(), describe(&seg), why)
	}
	checkInvariants(p.t, p.c)
	if s := p.c.State(); s != p.state {
		p.state = s
		fmt.Fprintf(&p.out, "%.3f = %v", p.now.Seconds(), s)
		if p.c.Err() != NoFailure {
			fmt.Fprintf(&p.out, " %v", p.c.Err())
		}
		fmt.Fprintln(&p.out)
	}
}

func (p *player) configure(words []string) error {
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		n, err := strconv.Atoi("0" + value)
		if err != nil {
			return err
		}
		switch name {
		case "nosack":
			p.cfg.NoSACK = true
		case "noscale":
			p.cfg.NoWindowScale = true
		case "nodelay":
			p.cfg.NoDelay = true
		case "timestamps":
			p.cfg.Timestamps = true
		case "rack":
			p.cfg.RACK = true
		case "scale":
			p.cfg.WindowScale = uint8(n)
		case "mss":
			p.cfg.MSS = uint16(n)
		case "buffer":
			p.cfg.ReceiveBuffer = uint32(n)
		case "initialwindow":
			p.cfg.InitialWindow = uint8(n)
		case "tick":
			p.cfg.TimerTick = time.Duration(n) * time.Millisecond
		default:
			return fmt.Errorf("unknown setting %q", w)
		}
	}
	return nil
}

func (p *player) act(verb string, words []string) error {
	if p.c == nil && verb != "dial" && verb != "accept" {
		return fmt.Errorf("%s comes before dial or accept", verb)
	}
	switch verb {
	case "dial":
		p.c = Dial(p.now, clientAddr, serverAddr, scriptISS, p.cfg)
	case "accept":
		syn, err := parseSegment(words)
		if err != nil {
			return err
		}
		p.c = Accept(p.now, &syn, scriptISS, p.cfg)
	case "write", "urgent":
		n, err := strconv.Atoi(strings.Join(words, " "))
		if err != nil {
			return err
		}
		if verb == "urgent" {
			p.c.WriteUrgent(p.now, make([]byte, n), 1)
		} else {
			p.c.Write(p.now, make([]byte, n), 1)
		}
	case "read":
		for {
			if _, ok := p.c.Read(); !ok {
				return nil
			}
		}
	case "closewrite":
		p.c.CloseWrite(p.now)
	case "close":
		p.c.Close(p.now)
	case "abort":
		p.c.Abort(p.now)
	case "<":
		seg, err := parseSegment(words)
		if err != nil {
			return err
		}
		p.c.Receive(p.now, &seg)
	case "icmp":
		return p.icmp(words)
	case "end":
	default:
		return fmt.Errorf("unknown word %q", verb)
	}
	return nil
}

func (p *player) icmp(words []string) error {
	kinds := map[string]ICMPError{
		"port-unreachable": ICMPPortUnreachable, "host-unreachable": ICMPHostUnreachable,
		"prohibited": ICMPProhibited, "time-exceeded": ICMPTimeExceeded,
	}
	kind, known := kinds[words[0]]
	if !known || len(words) != 3 {
		return fmt.Errorf("want icmp KIND seq N, not %q", words)
	}
	seq, err := strconv.Atoi(words[2])
	p.c.ReceiveICMP(p.now, kind, uint32(seq+scriptISS))
	return err
}

// parseSegment reads "SA seq 0 ack 1 win 1000 len 5 mss 1460 sackok scale 7 ts 9/8 sack 1-2"
// as a segment from the peer.
func parseSegment(words []string) (wire.Packet, error) {
	p := wire.Packet{
		Src: serverAddr.Addr(), SrcPort: serverAddr.Port(), Dst: clientAddr.Addr(), DstPort: clientAddr.Port(),
		Protocol: wire.TCP, TTL: 64, Window: 64240,
	}
	if len(words) == 0 {
		return p, fmt.Errorf("a segment needs flags")
	}
	for _, letter := range words[0] {
		i := strings.IndexRune("FSRPAU", letter)
		if i < 0 {
			return p, fmt.Errorf("unknown flag %q", letter)
		}
		p.Flags |= 1 << i
	}
	for i := 1; i < len(words); i++ {
		if words[i] == "sackok" {
			p.Options.SACKPermitted = true
			continue
		}
		if i+1 == len(words) {
			return p, fmt.Errorf("%s needs a value", words[i])
		}
		name, value := words[i], words[i+1]
		i++
		if name == "sack" {
			left, right, _ := strings.Cut(value, "-")
			l, _ := strconv.Atoi(left)
			r, err := strconv.Atoi(right)
			if err != nil {
				return p, err
			}
			p.Options.Blocks[p.Options.NumBlocks] = wire.SACKBlock{Left: uint32(l) + scriptISS, Right: uint32(r) + scriptISS}
			p.Options.NumBlocks++
			continue
		}
		if name == "ts" {
			val, ecr, _ := strings.Cut(value, "/")
			v, _ := strconv.Atoi(val)
			e, err := strconv.Atoi(ecr)
			if err != nil {
				return p, err
			}
			p.Options.HasTimestamps, p.Options.TSVal, p.Options.TSEcr = true, uint32(v), uint32(e)
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			return p, err
		}
		switch name {
		case "seq":
			p.Seq = uint32(n + scriptPeerISS)
		case "ack":
			p.Ack = uint32(n + scriptISS)
		case "win":
			p.Window = uint16(n)
		case "len":
			p.Payload = make([]byte, n)
		case "mss":
			p.Options.MSS = uint16(n)
		case "scale":
			p.Options.HasScale, p.Options.WindowScale = true, uint8(n)
		default:
			return p, fmt.Errorf("unknown field %q", name)
		}
	}
	return p, nil
}

// describe prints a segment of ours as parseSegment reads the peer's.
func describe(p *wire.Packet) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s seq %d", p.Flags, int32(p.Seq-scriptISS))
	if p.Flags&wire.ACK != 0 {
		fmt.Fprintf(&b, " ack %d", int32(p.Ack-scriptPeerISS))
	}
	if p.Flags&wire.RST == 0 {
		fmt.Fprintf(&b, " win %d", p.Window)
	}
	if len(p.Payload) > 0 {
		fmt.Fprintf(&b, " len %d", len(p.Payload))
	}
	if p.Options.MSS != 0 {
		fmt.Fprintf(&b, " mss %d", p.Options.MSS)
	}
	if p.Options.SACKPermitted {
		b.WriteString(" sackok")
	}
	if p.Options.HasScale {
		fmt.Fprintf(&b, " scale %d", p.Options.WindowScale)
	}
	if p.Options.HasTimestamps {
		fmt.Fprintf(&b, " ts %d/%d", p.Options.TSVal, p.Options.TSEcr)
	}
	for _, s := range p.Options.Blocks[:p.Options.NumBlocks] {
		fmt.Fprintf(&b, " sack %d-%d", int32(s.Left-scriptPeerISS), int32(s.Right-scriptPeerISS))
	}
	return b.String()
}

// The two ends of all tests: the client of the lab, and its server's control port.
var (
	clientAddr = netip.MustParseAddrPort("10.0.0.2:1026")
	serverAddr = netip.MustParseAddrPort("192.168.10.1:21")
)
