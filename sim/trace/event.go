// Package trace is the record of a run: an immutable list of events, each with its
// time, its node and its cause, and the state of the network that they add up to.
//
// A Recorder writes while the run goes on; when it is finished the Trace is only
// read. Rows are fixed-size and hold no pointers, so that a run of a million
// packets is cheap to record and costs the garbage collector nothing; the typed
// body of an event is built when someone reads it.
package trace

import (
	"net/netip"

	"ftplab/sim/event"
	"ftplab/sim/firewall"
	"ftplab/sim/ftp"
	"ftplab/sim/tcp"
	"ftplab/sim/wire"
)

// ID is an event's number, from 1 in the order in which things happened; 0 is none.
type ID uint32

// NodeID is a node's place in Trace.Nodes. LinkID is one direction of a link:
// twice the link's place in Trace.Links, plus 1 for the direction from B to A.
type (
	NodeID uint16
	LinkID uint16
)

// NoNode is the node of an event that belongs to none.
const NoNode NodeID = 0xffff

// Kind is what kind of thing happened.
type Kind uint8

// The kinds of event. Each has a body type of the same name.
const (
	KindSent    Kind = iota // a node put a packet on a link
	KindArrived             // a packet came to a node
	KindLost                // a link lost a packet
	KindJudged              // a firewall decided about a packet
	KindTCP                 // a TCP endpoint changed its state
	KindSocket              // a program opened, accepted or closed a connection
	KindFTP                 // an FTP machine noted something: a command, a reply ...
	KindTracked             // a firewall's connection table or expectations changed
	KindInput               // someone changed something from outside: another firewall
	KindProbe               // an attacker's or tester's probe ended
	KindEnded               // a client came to its result
)

var kindNames = [...]string{"sent", "arrived", "lost", "judged", "tcp", "socket", "ftp", "tracked", "input", "probe", "ended"}

// String returns the kind's word as `ftplab help trace` lists it.
func (k Kind) String() string { return kindNames[k] }

// Kinds returns all kinds in order.
func Kinds() []Kind {
	kinds := make([]Kind, len(kindNames))
	for i := range kinds {
		kinds[i] = Kind(i)
	}
	return kinds
}

// Event is one thing that happened.
type Event struct {
	ID    ID
	Time  event.Time
	Kind  Kind
	Node  NodeID
	Cause ID // the event that made this one happen; 0 for the beginning
	Body  Body
}

// Body is what is particular to the kind of event: one of the types below.
type Body interface{ kind() Kind }

// Sent: the node put Packet on Link; it will be at the other end at Arrives unless
// it is lost.
type Sent struct {
	Packet  wire.Packet
	Link    LinkID
	Arrives event.Time
	// Sending says why a TCP endpoint sent the segment (first time, retransmission,
	// probe ...); meaningful if the node is the packet's source.
	Sending tcp.Sending
}

// Arrived: Packet came over Link.
type Arrived struct {
	Packet wire.Packet
	Link   LinkID
}

// LossReason is why a link lost a packet.
type LossReason uint8

// The reasons. Random loss is seeded; a full queue drops the last to come.
const (
	LossRandom LossReason = iota
	LossQueue
	LossNoListener // a host got a packet that nobody there wants
)

// String says it in words.
func (l LossReason) String() string {
	return [...]string{"random loss", "queue full", "nobody listens"}[l]
}

// Lost: Link (or the host itself) lost Packet.
type Lost struct {
	Packet wire.Packet
	Link   LinkID
	Why    LossReason
}

// Judged: the firewall decided. Packet is as the deciding hook saw it.
type Judged struct {
	Packet   wire.Packet
	Decision firewall.Decision
	// Missed are the rules that were looked at in vain, filled for packets that
	// were not let through.
	Missed []firewall.Missed
}

// TCP: an endpoint went from one state to another.
type TCP struct {
	Local, Remote netip.AddrPort
	Channel       ftp.Channel
	Session       uint16
	From, To      tcp.State
	Failure       tcp.Failure // why, when To is CLOSED by failure
}

// SocketOp is what a program did with a connection or listener.
type SocketOp uint8

// The operations.
const (
	OpListen SocketOp = iota
	OpUnlisten
	OpDial
	OpAccept
	OpConnected
	OpFailed
	OpClose
	OpAbort
)

// String says it in a word.
func (o SocketOp) String() string {
	return [...]string{"listen", "unlisten", "dial", "accept", "connected", "failed", "close", "abort"}[o]
}

// Socket: a program used its sockets.
type Socket struct {
	Op            SocketOp
	Channel       ftp.Channel
	Session       uint16
	Local, Remote netip.AddrPort
	Failure       ftp.Failure // of OpFailed
}

// FTP: an FTP machine noted a fact.
type FTP struct {
	Session uint16
	Server  bool // noted by the server's side
	Note    ftp.NoteKind
	Text    string
	Code    int
	Addr    netip.AddrPort
	Count   int64
}

// Tracked: a firewall's table changed.
type Tracked struct{ Change firewall.Change }

// Input: someone changed the network from outside: the firewall has other rules from
// here on.
type Input struct {
	Text  string
	Rules *firewall.Ruleset
}

// Probe: a probe from this node ended.
type Probe struct {
	From, To netip.AddrPort
	Open     bool
	Failure  ftp.Failure
	Banner   string
}

// Ended: the client of Session came to Result.
type Ended struct {
	Session uint16
	Result  ftp.Result
}

func (Sent) kind() Kind    { return KindSent }
func (Arrived) kind() Kind { return KindArrived }
func (Lost) kind() Kind    { return KindLost }
func (Judged) kind() Kind  { return KindJudged }
func (TCP) kind() Kind     { return KindTCP }
func (Socket) kind() Kind  { return KindSocket }
func (FTP) kind() Kind     { return KindFTP }
func (Tracked) kind() Kind { return KindTracked }
func (Input) kind() Kind   { return KindInput }
func (Probe) kind() Kind   { return KindProbe }
func (Ended) kind() Kind   { return KindEnded }

// NodeKind is what a node is.
type NodeKind uint8

// The kinds of node.
const (
	Host NodeKind = iota
	Firewall
)

// Node is what the trace remembers of a node.
type Node struct {
	Name  string
	Kind  NodeKind
	Rules *firewall.Ruleset // of a firewall at the start of the run; nil for none
	// Interfaces are the node's interfaces by place.
	Interfaces []firewall.Interface
}

// Link is what the trace remembers of a link: which interface of which node it joins.
type Link struct {
	A, B                   NodeID
	AInterface, BInterface int16
}

// String returns "host" or "firewall".
func (k NodeKind) String() string { return [...]string{"host", "firewall"}[k] }
