// Package ftp is both ends of an FTP control connection as state machines without
// I/O or clock (RFC 959, 1123, 2228, 2389, 2428, 2577, 3659, 4217).
//
// A Client or a Session (the server's side of one control connection) is a Machine:
// whoever carries it tells it what happened (Handle) and does what it asks for
// (Next). The simulator carries it over virtual links, package ftpnet over real
// sockets; the machine cannot tell the difference.
package ftp

import (
	"net/netip"

	"ftplab/sim/event"
)

// Machine is one end of a control connection.
type Machine interface {
	// Handle tells the machine what happened at now. Input.Bytes is only read,
	// and only kept if the carrier never writes to it again (KeepBytes in
	// ServerConfig and ClientConfig says so).
	Handle(now event.Time, in Input)
	// Next returns what the carrier shall do, in order, until there is no more. It is
	// asked after every Handle. A Note comes before the Send that it describes.
	Next() (Effect, bool)
	// Deadline is the instant at which the machine wants Handle(now, Timer), or
	// event.Never.
	Deadline() event.Time
}

// InputKind says what happened.
type InputKind uint8

// What can happen to a machine.
const (
	// Start comes once, first. For a Session a control connection was accepted: Addr is
	// the client's end of it, Local ours.
	Start InputKind = iota
	// Timer: the Deadline has come.
	Timer
	// ControlUp: the client's control connection is established; Local is our end.
	// ControlFailed: it could not be: Err.
	ControlUp
	ControlFailed
	// ControlBytes: Bytes arrived on the control connection, urgent ones in their place
	// among them (SO_OOBINLINE). ControlEOF: the peer will send no more. ControlLost: the
	// connection broke: Err.
	ControlBytes
	ControlEOF
	ControlLost
	// ListenReady: the data listener that was asked for is there, at Addr. It listens
	// until CloseListener or the next Listen. ListenFailed: it could not be: Err.
	ListenReady
	ListenFailed
	// DataUp: the data connection is established with Addr; Local is our end. There is
	// one at a time: while there is one the listener accepts no other. DataFailed: the
	// one that DialData asked for could not be: Err.
	DataUp
	DataFailed
	// DataBytes: Bytes arrived on it (see ReceiveData). DataEOF: the peer will send no
	// more on it. DataLost: it broke: Err.
	DataBytes
	DataEOF
	DataLost
	// DataRoom: there is room to send; asked for by SendData with More, once for each.
	DataRoom
	// DataFlushed: all data and our FIN were acknowledged (or handed to the system);
	// asked for by FinishData.
	DataFlushed
	// TLSUp: the handshake that was asked for is done; Channel says on which.
	// TLSFailed: it failed.
	TLSUp
	TLSFailed
	// Urgent: the peer sent TCP urgent data (telnet Synch).
	Urgent
	// Stop: the carrier is shutting down: let a transfer end, then close.
	Stop
)

// Failure is why a connection could not be made or broke.
type Failure uint8

// The failures a transport reports, named after the errno a BSD socket gives.
const (
	NoFailure    Failure = iota
	Refused              // ECONNREFUSED, answered by a RST
	RefusedICMP          // ECONNREFUSED, answered by ICMP port or protocol unreachable
	Unreachable          // EHOSTUNREACH or ENETUNREACH
	TimedOut             // ETIMEDOUT: the transport gave up
	Reset                // ECONNRESET
	AddressInUse         // EADDRINUSE
	NotPermitted         // EACCES, EPERM
	OtherFailure
)

// String says the failure in words that can stand in a reply.
func (f Failure) String() string {
	switch f {
	case NoFailure:
		return "no failure"
	case Refused, RefusedICMP:
		return "connection refused"
	case Unreachable:
		return "host unreachable"
	case TimedOut:
		return "timed out"
	case Reset:
		return "connection reset"
	case AddressInUse:
		return "address already in use"
	case NotPermitted:
		return "not permitted"
	}
	return "it failed"
}

// Channel is the control or the data connection.
type Channel uint8

// The two connections of FTP.
const (
	Control Channel = iota
	Data
)

// Input is one thing that happened.
type Input struct {
	Kind    InputKind
	Bytes   []byte
	Addr    netip.AddrPort
	Local   netip.AddrPort
	Err     Failure
	Channel Channel
}

// EffectKind says what the carrier shall do.
type EffectKind uint8

// What a machine can ask for.
const (
	// Note is nothing to do: a fact for the record (Text), such as a line that was
	// received or a phase that began. See Effect.Note.
	Note EffectKind = iota
	// Dial opens the control connection to Addr (client), from Local if its port
	// is not 0. Answered by ControlUp or ControlFailed.
	Dial
	// Send writes Bytes on the control connection. If Segment is true the bytes
	// must leave in a segment of their own (the client's split option).
	Send
	// SendUrgent is Send with the last byte as TCP urgent data.
	SendUrgent
	// CloseControl sends what is pending and closes; AbortControl resets.
	CloseControl
	AbortControl
	// Listen opens a data listener at Local (port 0: any; else tries Local.Port to
	// PortMax, in the order the carrier likes). Answered by ListenReady or
	// ListenFailed. It replaces a listener that is still open.
	Listen
	// CloseListener closes the data listener; a connection that was accepted stays.
	CloseListener
	// ReceiveData says that DataBytes are welcome from now on. Before it, a carrier on
	// real sockets leaves what arrived unread, so that the peer's window closes and a
	// TLS handshake finds its bytes; one that cannot hold back may deliver them: the
	// machine keeps a little.
	ReceiveData
	// DialData opens a data connection to Addr from Local (port 0: any). Answered by
	// DataUp or DataFailed. AbandonData gives up on one that is not established.
	DialData
	AbandonData
	// SendData writes Bytes on the data connection; with More the carrier answers
	// DataRoom when it can take more. Bytes from a Tree or a client's LocalData are
	// never written to again; others not before DataRoom or DataFlushed.
	SendData
	// FinishData sends a FIN after what was written (under TLS close_notify before it),
	// answered by DataFlushed. CloseData closes the connection wholly; AbortData resets
	// it. Nothing is reported of it after these two.
	FinishData
	CloseData
	AbortData
	// StartTLS begins a handshake on Channel, as the server or the client that the
	// machine is. Answered by TLSUp or TLSFailed. Bytes came on it before (see
	// ReceiveData), and are the handshake's. StopTLS sends close_notify on the control
	// channel and goes on in clear (CCC).
	StartTLS
	StopTLS
	// Done ends the machine: Client.Result says how. Nothing comes after it, and what
	// the carrier still has of listeners and data connections it closes.
	Done
)

// NoteKind says what a Note effect is about.
type NoteKind uint8

// The facts that a machine notes for the record.
const (
	NoteNone         NoteKind = iota
	CommandSent               // client: Text is the line
	CommandReceived           // server
	ReplySent                 // server: Text is one line of the reply, Code its code
	ReplyReceived             // client
	UserAction                // client: what the person asked for, in words
	PhaseBegan                // client: Text is the phase
	AddressAnnounced          // Addr was said in PORT, EPRT, 227 or 229
	TransferDone              // Count octets went over the data connection for the command Text
	CommandRefused            // server: Text says which check refused it
	GaveUp                    // a timer of the machine's own ran out: Text says which
)

// Effect is one thing to do, or one fact to note.
type Effect struct {
	Kind    EffectKind
	Bytes   []byte
	Text    string
	Addr    netip.AddrPort
	Local   netip.AddrPort
	PortMax uint16
	Segment bool
	More    bool
	Channel Channel
	Note    NoteKind
	Code    int
	Count   int64
}
