package firewall

import (
	"net/netip"

	"ftplab/sim/event"
	"ftplab/sim/wire"
)

// Interface is one of a device's interfaces.
type Interface struct {
	Name     string
	Prefixes []netip.Prefix // its own addresses with the length of their network
}

// Route is an entry of a device's routing table: longest prefix first decides.
type Route struct {
	Dst       netip.Prefix
	Via       netip.Addr // next hop; invalid for a connected network
	Interface int        // place in Config.Interfaces
	Blackhole bool       // silently discard
}

// Config describes a device.
type Config struct {
	Name       string
	Interfaces []Interface
	Routes     []Route // connected networks are added by NewDevice
	Rules      *Ruleset
	Options    Options
	// Seed makes the device's random choices (NAT ports) reproducible.
	Seed uint64
}

// Device is a firewall: rules, connection table, expectations, inspection and NAT.
// It is not safe for concurrent use.
type Device struct{ config Config }

// Options are the switches of a device that are not in its rules: the sysctls of
// Linux, and the profile where vendors differ. The zero value is Linux 6.18 with
// its defaults.
type Options struct {
	// Profile names a documented way in which devices differ; "" is "linux".
	Profile string
	// Sysctl overrides, by the kernel's names ("net.netfilter.nf_conntrack_tcp_loose").
	Sysctl map[string]int
}

// NewDevice builds a device.
func NewDevice(config Config) *Device { return &Device{config: config} }

// Receive judges a packet that arrived on interface in at now. It may rewrite *p
// (NAT, helper, TTL). Answers the device gives itself are taken with Replies.
func (d *Device) Receive(now event.Time, in int, p *wire.Packet) Decision {
	panic("not yet")
}

// Send judges a packet that the device itself originates (a TCP reset, an ICMP
// error): output and postrouting. Out is set by routing.
func (d *Device) Send(now event.Time, p *wire.Packet) Decision { panic("not yet") }

// Replies returns the packets that the last Receive made the device send itself (a
// reject's answer, the reset of its own closed port), already judged: only those
// that leave, with the interface each leaves through. Valid until the next call.
func (d *Device) Replies() []Reply { panic("not yet") }

// Reply is a packet that a device originates.
type Reply struct {
	Packet   wire.Packet
	Decision Decision
}

// ChangeKind is what happened to the connection table or the expectations.
type ChangeKind uint8

// The kinds of change.
const (
	EntryNew ChangeKind = iota
	EntryUpdate
	EntryGone
	ExpectNew
	ExpectUsed // matched by a connection
	ExpectGone // expired, evicted or its master went
)

// Change is one change of the connection table or the expectations, in the manner
// of `conntrack -E`: what changed, and how it looks after the change.
type Change struct {
	Kind   ChangeKind
	Entry  EntryInfo  // of the Entry kinds
	Expect ExpectInfo // of the Expect kinds
}

// Changes returns what the last Receive, Send or Expire changed. Valid until the next call.
func (d *Device) Changes() []Change { panic("not yet") }

// Expire removes what has timed out at now, and NextExpiry says when to call it next
// (event.Never if nothing is tracked). Receive never sees an entry past its time,
// whether or not Expire was called; calling it only makes the ends visible in time.
func (d *Device) Expire(now event.Time) { panic("not yet") }

// NextExpiry returns the instant at which the next entry or expectation times out.
func (d *Device) NextExpiry() event.Time { panic("not yet") }

// EntryInfo is a connection as `conntrack -L` would print it.
type EntryInfo struct {
	ID              uint32
	Protocol        wire.Protocol
	OriginalSrc     netip.AddrPort
	OriginalDst     netip.AddrPort
	ReplySrc        netip.AddrPort
	ReplyDst        netip.AddrPort
	State           string // TCP state in Linux's words: SYN_SENT, ESTABLISHED ...
	Assured         bool
	SeenReply       bool
	Helper          string
	Master          uint32 // the control connection of a data connection; 0 if none
	Expires         event.Time
	Mark            uint32
	SourceNAT       bool
	DestinationNAT  bool
	Packets, Octets [2]uint64 // original, reply
}

// ExpectInfo is an expectation as `conntrack -L expect` would print it.
type ExpectInfo struct {
	ID      uint32
	Master  uint32
	Src     netip.AddrPort // port 0: any
	Dst     netip.AddrPort
	Expires event.Time
	// From is the text that made it: "227 Entering Passive Mode (192,168,10,1,7,232)".
	From string
}

// Entry returns the connection with this number as it is now; false when it is gone.
func (d *Device) Entry(id uint32) (EntryInfo, bool) { panic("not yet") }

// Explain says which rules were looked at and did not match on the way to the last
// Decision of Receive or Send, in order, and for each one the field that missed. Of
// the chains that were asked only the deciding one (with those it jumps to) is
// explained. It may be called only until the next Receive, Send or Expire.
func (d *Device) Explain() []Missed { panic("not yet") }
