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
type Device struct {
	config   Config
	program  *program
	routes   routes
	settings settings
	counters []Counter // by rule
	table    table
	expected expectations
	random   uint64 // state of the generator
	now      event.Time
	subject  subject // of the packet that is being judged
	judged   judgement
	replies  []Reply
	changes  []Change
	stack    []frame // of the chain that is being asked
	cursor   cursor  // of the chain that is being asked
}

// Options are the switches of a device that are not in its rules: the sysctls of
// Linux, and the profile where vendors differ. The zero value is Linux 6.18 with
// its defaults.
type Options struct {
	// Profile names a documented way in which devices differ; "" is "linux".
	Profile string
	// Sysctl overrides, by the kernel's names ("net.netfilter.nf_conntrack_tcp_loose").
	Sysctl map[string]int
}

// NewDevice builds a device. Without rules it is a plain router.
func NewDevice(config Config) *Device {
	d := &Device{
		config: config, routes: newRoutes(config.Interfaces, config.Routes),
		table: newTable(), expected: newExpectations(), random: config.Seed,
	}
	d.Load(config.Rules, config.Options)
	return d
}

// Load replaces the rules and the options, as when an administrator loads others: the
// connection table and the expectations stay, the rules' counters begin anew. Only
// between Linux and another vendor's rules the table is emptied: Changes says so.
func (d *Device) Load(rules *Ruleset, options Options) {
	if rules == nil {
		rules = &Ruleset{}
	}
	old := d.program
	d.config.Rules, d.config.Options = rules, options
	d.program = compile(rules, d.config.Interfaces)
	d.settings = newSettings(options)
	if !d.program.linux {
		d.settings = vendorSettings(rules.Inspections)
	}
	d.counters = make([]Counter, len(rules.Rules))
	d.judged.base = -1
	d.changes = d.changes[:0]
	if old != nil && old.linux != d.program.linux {
		d.endAll()
	}
}

// Receive judges a packet that arrived on interface in at now. It may rewrite *p
// (NAT, helper, TTL). Answers the device gives itself are taken with Replies.
func (d *Device) Receive(now event.Time, in int, p *wire.Packet) Decision {
	d.begin(now)
	w := way{packet: p, subject: &d.subject}
	w.start(in, d.program)
	if d.program.linux {
		d.receiveLinux(&w)
	} else {
		d.receiveVendor(&w)
	}
	d.finish(&w)
	return w.decision
}

// Send judges a packet that the device itself originates (a TCP reset, an ICMP
// error): output and postrouting. Out is set by routing.
func (d *Device) Send(now event.Time, p *wire.Packet) Decision {
	d.begin(now)
	w := way{packet: p, subject: &d.subject}
	w.start(noInterface, d.program)
	d.originate(&w)
	d.finish(&w)
	return w.decision
}

func (d *Device) begin(now event.Time) {
	d.now = now
	d.replies = d.replies[:0]
	d.changes = d.changes[:0]
	d.judged.base = -1
	if t := &d.table; len(t.gone) > 0 {
		t.free = append(t.free, t.gone...)
		t.gone = t.gone[:0]
	}
	d.expire()
}

// Replies returns the packets that the last Receive made the device send itself (a
// reject's answer, the reset of its own closed port), already judged: only those
// that leave, with the interface each leaves through. Valid until the next call.
func (d *Device) Replies() []Reply { return d.replies }

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

// Changes returns what the last Receive, Send, Expire or Load changed. Valid until the
// next call.
func (d *Device) Changes() []Change { return d.changes }

// Expire removes what has timed out at now, and NextExpiry says when to call it next
// (event.Never if nothing is tracked). Receive never sees an entry past its time,
// whether or not Expire was called; calling it only makes the ends visible in time.
func (d *Device) Expire(now event.Time) { d.begin(now) }

// NextExpiry returns the instant at which the next entry or expectation may time out.
// If packets have extended its life meanwhile, Expire finds nothing to do then, and
// NextExpiry has moved on.
func (d *Device) NextExpiry() event.Time {
	if len(d.table.deadlines) == 0 {
		return event.Never
	}
	return d.table.deadlines[0].at
}

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
func (d *Device) Entry(id uint32) (EntryInfo, bool) {
	slot, ok := d.table.slots[id]
	if !ok {
		return EntryInfo{}, false
	}
	return d.table.entries[slot].info(), true
}
