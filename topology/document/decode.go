package document

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Decoder says what the nodes of a document mean and collects what is wrong with
// them. Its methods return the zero value for a node that is nil or wrong.
type Decoder struct{ errs Errors }

// Err returns all errors so far, nil if there are none.
func (d *Decoder) Err() error {
	if len(d.errs) == 0 {
		return nil
	}
	return d.errs
}

// Failed reports whether there is any error so far.
func (d *Decoder) Failed() bool { return len(d.errs) > 0 }

// Add takes over errors that were found elsewhere.
func (d *Decoder) Add(errs ...*Error) {
	for _, e := range errs {
		if len(d.errs) < maxErrors {
			d.errs = append(d.errs, e)
		}
	}
}

// Fail notes an error about a node.
func (d *Decoder) Fail(n *Node, format string, args ...any) *Error {
	e := &Error{File: n.File, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)}
	d.Add(e)
	return e
}

// Map checks that n is a mapping with no other keys than the known ones. What says
// what it describes, for messages: "a node".
func (d *Decoder) Map(n *Node, what string, known ...string) bool {
	if !d.Mapping(n, what) {
		return false
	}
	for _, k := range n.Keys {
		if slices.Contains(known, k.Text) {
			continue
		}
		e := d.Fail(k, "%s has no %q", what, k.Text)
		if e.Hint = Suggest(k.Text, known); e.Hint == "" {
			e.Hint = "it may have " + strings.Join(known, ", ")
		}
	}
	return true
}

// Mapping checks that n is a mapping, with any keys, none of them twice.
func (d *Decoder) Mapping(n *Node, what string) bool {
	if n == nil {
		return false
	}
	if n.Kind != Map {
		d.Fail(n, "%s must be a mapping of keys to values, not %s", what, n.Kind)
		return false
	}
	for i, k := range n.Keys {
		for _, other := range n.Keys[:i] {
			if other.Text == k.Text {
				d.Fail(k, "%q is said twice", k.Text)
			}
		}
	}
	return true
}

// List returns the elements of a list; a single value is a list of one.
func (d *Decoder) List(n *Node) []*Node {
	switch {
	case n == nil || n.Kind == Null:
		return nil
	case n.Kind == List:
		return n.Values
	}
	return []*Node{n}
}

// String returns a scalar's text.
func (d *Decoder) String(n *Node) string {
	if n == nil {
		return ""
	}
	if n.Kind != Scalar {
		d.Fail(n, "expected text, not %s", n.Kind)
		return ""
	}
	return n.Text
}

// Strings returns the texts of a list or of a single value.
func (d *Decoder) Strings(n *Node) []string {
	var out []string
	for _, v := range d.List(n) {
		out = append(out, d.String(v))
	}
	return out
}

// Word returns a scalar that must be one of the choices, in any case.
func (d *Decoder) Word(n *Node, what string, choices ...string) string {
	text := d.String(n)
	if n == nil || n.Kind != Scalar {
		return ""
	}
	for _, c := range choices {
		if strings.EqualFold(text, c) {
			return c
		}
	}
	e := d.Fail(n, "%q is not %s", text, what)
	if e.Hint = Suggest(text, choices); e.Hint == "" {
		e.Hint = "there are " + strings.Join(choices, ", ")
	}
	return ""
}

// Int returns a whole number from low to high.
func (d *Decoder) Int(n *Node, low, high int64) int64 {
	text := d.String(n)
	if n == nil || n.Kind != Scalar {
		return 0
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < low || v > high {
		d.Fail(n, "%q is not a whole number from %d to %d", text, low, high)
		return 0
	}
	return v
}

// Port returns a TCP port, 1..65535, or 0..65535 with zero.
func (d *Decoder) Port(n *Node, zero bool) uint16 {
	text := d.String(n)
	if n == nil || n.Kind != Scalar {
		return 0
	}
	v, err := strconv.ParseUint(text, 10, 16)
	if err != nil || v == 0 && !zero {
		d.Fail(n, "%q is not a port", text).Hint = "ports are 1 to 65535"
		return 0
	}
	return uint16(v)
}

// Bool returns a truth value: true, yes, on or YES as in vsftpd.conf, and their opposites.
func (d *Decoder) Bool(n *Node) bool {
	text := d.String(n)
	if n == nil || n.Kind != Scalar {
		return false
	}
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return true
	case "false", "no", "off", "0":
		return false
	}
	d.Fail(n, "%q is neither yes nor no", text)
	return false
}

// maxDuration is the longest time that a scenario can speak of.
const maxDuration = 366 * 24 * time.Hour

// Duration returns a time such as 4s, 20ms or 1m30s; a bare number is in seconds, as
// in vsftpd.conf.
func (d *Decoder) Duration(n *Node) time.Duration {
	text := d.String(n)
	if n == nil || n.Kind != Scalar {
		return 0
	}
	v, err := time.ParseDuration(text)
	if seconds, bare := strconv.ParseFloat(text, 64); bare == nil {
		v, err = time.Duration(math.Round(seconds*1e9)), nil
		if !(seconds >= 0 && seconds <= maxDuration.Seconds()) {
			v = -1
		}
	}
	if err != nil {
		d.Fail(n, "%q is not a time", text).Hint = "write 20ms, 4s, 1m30s, or a number of seconds"
		return 0
	}
	if v < 0 || v > maxDuration {
		d.Fail(n, "%q is not a time from 0 to a year", text)
		return 0
	}
	return v
}

// Addr returns an IP address.
func (d *Decoder) Addr(n *Node) netip.Addr {
	text := d.String(n)
	if n == nil || n.Kind != Scalar {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		d.Fail(n, "%q is not an IP address", text).Hint = "such as 192.168.10.1 or 2001:db8::1"
		return netip.Addr{}
	}
	return a
}

// InterfacePrefix returns an address with the length of its network, 10.0.0.2/24.
func (d *Decoder) InterfacePrefix(n *Node) netip.Prefix {
	text := d.String(n)
	if n == nil || n.Kind != Scalar {
		return netip.Prefix{}
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		d.Fail(n, "%q is not an address with the length of its network", text).Hint = "such as 10.0.0.2/24"
		return netip.Prefix{}
	}
	return p
}

// Network returns a prefix whose host bits are zero, 10.0.0.0/24.
func (d *Decoder) Network(n *Node) netip.Prefix {
	p := d.InterfacePrefix(n)
	if p.IsValid() && p != p.Masked() {
		d.Fail(n, "%q has bits set beyond its length", n.Text).Hint = "the network is " + p.Masked().String()
		return netip.Prefix{}
	}
	return p
}

// AddrPort returns an address with a port, 192.168.10.1:21 or [2001:db8::1]:21.
func (d *Decoder) AddrPort(n *Node) netip.AddrPort {
	text := d.String(n)
	if n == nil || n.Kind != Scalar {
		return netip.AddrPort{}
	}
	a, err := netip.ParseAddrPort(text)
	if err != nil || a.Addr().Zone() != "" || a.Addr().Is4In6() || a.Port() == 0 {
		d.Fail(n, "%q is not an address with a port", text).Hint = "such as 192.168.10.1:21"
		return netip.AddrPort{}
	}
	return a
}

// unit is a suffix of a quantity and what it multiplies by.
type unit struct {
	suffix string
	factor float64
}

// Octets returns a size in octets: 1500, 64KiB, 1MB.
func (d *Decoder) Octets(n *Node) int64 {
	return d.quantity(n, "a size", "write 1500, 64KiB or 1MB",
		unit{"KiB", 1 << 10}, unit{"MiB", 1 << 20}, unit{"GiB", 1 << 30}, unit{"kB", 1e3}, unit{"KB", 1e3}, unit{"MB", 1e6}, unit{"GB", 1e9}, unit{"B", 1})
}

// BitRate returns a rate in bits per second: 10Mbit, 56kbit, 1Gbit.
func (d *Decoder) BitRate(n *Node) int64 {
	return d.quantity(n, "a rate", "write 56kbit, 10Mbit or 1Gbit, in bits per second",
		unit{"kbit", 1e3}, unit{"Mbit", 1e6}, unit{"Gbit", 1e9}, unit{"bit", 1})
}

func (d *Decoder) quantity(n *Node, what, hint string, units ...unit) int64 {
	text := d.String(n)
	if n == nil || n.Kind != Scalar {
		return 0
	}
	number, factor := text, 1.0
	for _, u := range units {
		if rest, ok := strings.CutSuffix(text, u.suffix); ok {
			number, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if v *= factor; err != nil || !(v >= 0 && v <= 1e15) {
		d.Fail(n, "%q is not %s", text, what).Hint = hint
		return 0
	}
	return int64(v)
}

// Probability returns a probability: 0.01 or 1%.
func (d *Decoder) Probability(n *Node) float64 {
	text := d.String(n)
	if n == nil || n.Kind != Scalar {
		return 0
	}
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		d.Fail(n, "%q is not a probability", text).Hint = "write 0.01 or 1%"
		return 0
	}
	return v
}
