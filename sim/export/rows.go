package export

import (
	"ftplab/sim/report"
	"ftplab/sim/trace"
)

// The rows of the JSON lines: one struct for each kind of event, its members in the
// order in which they are printed. The doc tags are what `ftplab help trace` prints.

type eventRow struct {
	ID    trace.ID `json:"id" doc:"the event's number, from 1"`
	T     float64  `json:"t" doc:"seconds since the start of the run"`
	Node  string   `json:"node" doc:"where it happened"`
	Kind  string   `json:"kind" doc:"one of the kinds below"`
	Cause trace.ID `json:"cause" doc:"the event that made this one happen; 0 for a beginning"`
}

type packetRow struct {
	Packet      uint32       `json:"packet" doc:"the packet's number: the same on every link until somebody rewrites it"`
	Protocol    string       `json:"protocol" doc:"tcp, udp, icmp, icmpv6 or a number"`
	Src         string       `json:"src" doc:"source address"`
	SrcPort     uint16       `json:"sport" doc:"source port, 0 without ports"`
	Dst         string       `json:"dst" doc:"destination address"`
	DstPort     uint16       `json:"dport" doc:"destination port, 0 without ports"`
	Flags       string       `json:"flags" doc:"TCP flags as letters in the order S A F R P U"`
	Seq         uint32       `json:"seq" doc:"TCP sequence number"`
	Ack         uint32       `json:"ack" doc:"TCP acknowledgment number"`
	Window      uint16       `json:"win" doc:"TCP window before scaling"`
	Length      int          `json:"len" doc:"octets of payload"`
	TTL         uint8        `json:"ttl" doc:"IPv4 TTL or IPv6 hop limit"`
	MSS         uint16       `json:"mss,omitempty" doc:"TCP option: maximum segment size"`
	WindowScale *uint8       `json:"wscale,omitempty" doc:"TCP option: window scale"`
	SACK        [][2]uint32  `json:"sack,omitempty" doc:"TCP option: selectively acknowledged ranges, [left, right)"`
	ICMP        *icmpRow     `json:"icmp,omitempty" doc:"of an ICMP packet"`
	Fragment    *fragmentRow `json:"fragment,omitempty" doc:"of a fragment"`
}

type icmpRow struct {
	Type uint8 `json:"type" doc:"ICMP type"`
	Code uint8 `json:"code" doc:"ICMP code"`
}

type fragmentRow struct {
	ID     uint16 `json:"id" doc:"IP identification"`
	Offset int    `json:"offset" doc:"octets"`
	More   bool   `json:"more" doc:"more fragments follow"`
}

type sentRow struct {
	eventRow
	To      string  `json:"to" doc:"the node at the other end of the link"`
	Link    int     `json:"link" doc:"twice the link's place, plus 1 for the direction from its second end"`
	Arrives float64 `json:"arrives" doc:"when it is at the other end unless it is lost, seconds"`
	Sending string  `json:"sending" doc:"why a TCP endpoint sent it: new, retransmission, window probe ..."`
	packetRow
}

type arrivedRow struct {
	eventRow
	From string `json:"from" doc:"the node it came from"`
	Link int    `json:"link" doc:"as for sent"`
	packetRow
}

type lostRow struct {
	eventRow
	Link int    `json:"link" doc:"as for sent"`
	Why  string `json:"why" doc:"random loss, queue full, or nobody listens"`
	packetRow
}

type judgedRow struct {
	eventRow
	Verdict     string          `json:"verdict" doc:"forward, drop, reject, local or consumed"`
	Hook        string          `json:"hook" doc:"where it was decided"`
	In          *string         `json:"in" doc:"interface it came in by, or null"`
	Out         *string         `json:"out" doc:"interface it leaves by, or null"`
	State       *string         `json:"state" doc:"new, established, related, invalid, untracked, or null"`
	Rule        *report.RuleRef `json:"rule" doc:"line and text of the rule that decided, or null"`
	Reason      string          `json:"reason" doc:"rule, policy, helper-partial, no-route ... or empty"`
	Missed      []report.Missed `json:"missed" doc:"of a drop: rules looked at in vain, each with the field that missed"`
	Rewritten   bool            `json:"rewritten" doc:"the device changed the packet"`
	Entry       uint32          `json:"entry" doc:"number of the connection in the device's table, 0 for none"`
	Expectation uint32          `json:"expectation" doc:"number of the expectation that was matched, 0 for none"`
	packetRow
}

type tcpRow struct {
	eventRow
	Session uint16 `json:"session" doc:"the FTP session, from 1; 0 for none"`
	Channel string `json:"channel" doc:"control or data"`
	Local   string `json:"local" doc:"own address and port"`
	Remote  string `json:"remote" doc:"the peer's address and port"`
	From    string `json:"from" doc:"state before (RFC 9293)"`
	To      string `json:"to" doc:"state after"`
	Failure string `json:"failure" doc:"why a connection failed, or none"`
}

type socketRow struct {
	eventRow
	Session uint16 `json:"session" doc:"as for tcp"`
	Channel string `json:"channel" doc:"control or data"`
	Op      string `json:"op" doc:"listen, unlisten, dial, accept, connected, failed, close or abort"`
	Local   string `json:"local" doc:"own address and port"`
	Remote  string `json:"remote" doc:"the peer's address and port, or empty"`
	Failure string `json:"failure" doc:"of failed: why"`
}

type ftpRow struct {
	eventRow
	Session uint16 `json:"session" doc:"the client's or the server's number of the session, from 1"`
	Side    string `json:"side" doc:"client or server"`
	Note    string `json:"note" doc:"command-sent, command-received, reply-sent, reply-received, user-action, phase-began, address-announced, transfer-done, command-refused or gave-up"`
	Text    string `json:"text" doc:"the line, or what it is about in words; passwords are hidden"`
	Code    int    `json:"code,omitempty" doc:"of a reply"`
	Addr    string `json:"addr,omitempty" doc:"of an announced address"`
	Count   int64  `json:"count,omitempty" doc:"octets of a transfer"`
}

type trackedRow struct {
	eventRow
	Change      string          `json:"change" doc:"entry-new, entry-update, entry-gone, expect-new, expect-used or expect-gone"`
	Connection  *connectionRow  `json:"connection,omitempty" doc:"of a change of the connection table"`
	Expectation *expectationRow `json:"expectation,omitempty" doc:"of a change of the expectations"`
}

type connectionRow struct {
	ID       uint32    `json:"id" doc:"its number in the device"`
	Protocol string    `json:"protocol" doc:"as for packets"`
	Original [2]string `json:"original" doc:"source and destination as the first packet had them"`
	Reply    [2]string `json:"reply" doc:"source and destination that answers have"`
	State    string    `json:"state" doc:"TCP state in Linux's words"`
	Assured  bool      `json:"assured" doc:"not evicted early"`
	Helper   string    `json:"helper" doc:"ftp, or empty"`
	Master   uint32    `json:"master" doc:"of a data connection: its control connection; 0 for none"`
	Expires  float64   `json:"expires" doc:"seconds since the start of the run"`
}

type expectationRow struct {
	ID      uint32  `json:"id" doc:"its number in the device"`
	Master  uint32  `json:"master" doc:"the control connection"`
	Src     string  `json:"src" doc:"who may connect; port 0 is any"`
	Dst     string  `json:"dst" doc:"to where"`
	Expires float64 `json:"expires" doc:"seconds since the start of the run"`
	From    string  `json:"from" doc:"the text that made it"`
}

type inputRow struct {
	eventRow
	Text string `json:"text" doc:"what was changed from outside"`
}

type probeRow struct {
	eventRow
	From    string `json:"from" doc:"where the probe came from"`
	To      string `json:"to" doc:"what it tried to reach"`
	Open    bool   `json:"open" doc:"it was answered"`
	Failure string `json:"failure" doc:"why it was not"`
	Banner  string `json:"banner" doc:"what the service said"`
}

type endedRow struct {
	eventRow
	Session uint16 `json:"session" doc:"the client's session, from 1"`
	Outcome string `json:"outcome" doc:"as in the run's report"`
	Phase   string `json:"phase" doc:"as in the run's report"`
}
