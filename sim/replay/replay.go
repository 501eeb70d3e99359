// Package replay hands captured packets to a firewall and says what it would have
// done with each: the same device that the simulator runs, with a connection table of
// its own and the capture's clock.
package replay

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"ftplab/sim/firewall"
	"ftplab/sim/wire"
)

// Config is the firewall that judges.
type Config struct {
	Interfaces []firewall.Interface
	// Default is the place in Interfaces of the one that leads to all networks that no
	// interface is in; -1 for none.
	Default int
	Rules   *firewall.Ruleset
	Options firewall.Options
}

// ParseInterface reads an interface as the command line gives it:
// NAME=ADDRESS/LENGTH, with ",default" if the default route leaves through it. More
// addresses may follow, separated by commas.
func ParseInterface(s string) (i firewall.Interface, isDefault bool, err error) {
	name, rest, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return i, false, fmt.Errorf("interface %q: want NAME=ADDRESS/LENGTH[,default]", s)
	}
	i.Name = name
	for word := range strings.SplitSeq(rest, ",") {
		if word == "default" {
			isDefault = true
			continue
		}
		prefix, err := netip.ParsePrefix(word)
		if err != nil {
			return i, false, fmt.Errorf("interface %q: %q is not ADDRESS/LENGTH", name, word)
		}
		i.Prefixes = append(i.Prefixes, prefix)
	}
	if len(i.Prefixes) == 0 {
		return i, false, fmt.Errorf("interface %q has no address: want %s=ADDRESS/LENGTH", name, name)
	}
	return i, isDefault, nil
}

// Verdict is what the firewall made of one frame.
type Verdict struct {
	Frame    Frame
	In, Out  string // interface names; Out is "" unless forwarded
	Decision firewall.Decision
	Missed   []firewall.Missed
	// Invalid says why the packet's state is invalid, "" if it is not.
	Invalid string
	// After is the packet as it left, if Decision.Rewritten.
	After wire.Packet
	// Err says why the frame was not judged.
	Err error
}

// Run judges every frame of a capture with a fresh firewall and calls yield for each, in
// order, until yield returns an error. Frames that are no IP packets are yielded with Err
// set. A broken file is an error after the frames before the break were yielded.
func Run(config Config, r io.Reader, yield func(Verdict) error) error {
	c, err := openCapture(r)
	if err != nil {
		return err
	}
	j := newJudge(config)
	for {
		f, err := c.read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := yield(j.judge(f)); err != nil {
			return err
		}
	}
}

type judge struct {
	config Config
	device *firewall.Device
}

func newJudge(config Config) *judge {
	var routes []firewall.Route
	if d := config.Default; d >= 0 && d < len(config.Interfaces) {
		for _, everywhere := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
			routes = append(routes, firewall.Route{Dst: netip.PrefixFrom(everywhere, 0), Interface: d})
		}
	}
	return &judge{config, firewall.NewDevice(firewall.Config{
		Name: "firewall", Interfaces: config.Interfaces, Routes: routes, Rules: config.Rules, Options: config.Options, Seed: 1,
	})}
}

func (j *judge) judge(f Frame) Verdict {
	v := Verdict{Frame: f, Err: f.Err}
	if v.Err != nil {
		return v
	}
	in := j.arrivedOn(&f)
	if j.isOwn(f.Packet.Src) {
		v.Err = fmt.Errorf("the firewall itself sent it: %v is its own address", f.Packet.Src)
		return v
	}
	if in < 0 {
		v.Err = fmt.Errorf("no interface leads to its source %v: name one with --if NAME=ADDRESS/LENGTH,default", f.Packet.Src)
		return v
	}
	v.In = j.config.Interfaces[in].Name
	p := f.Packet
	v.Decision = j.device.Receive(f.At, in, &p)
	v.After, v.Invalid = p, j.device.WhyInvalid()
	if v.Decision.Action == firewall.ActionForward && v.Decision.Out >= 0 {
		v.Out = j.config.Interfaces[v.Decision.Out].Name
	}
	if a := v.Decision.Action; a == firewall.ActionDrop || a == firewall.ActionReject {
		v.Missed = j.device.Explain()
	}
	return v
}

// arrivedOn finds the interface that a frame came in through: the one the capture
// names, else the one that leads back to its source; -1 if none does.
func (j *judge) arrivedOn(f *Frame) int {
	best, bits := j.config.Default, -1
	for i := range j.config.Interfaces {
		face := &j.config.Interfaces[i]
		if f.Interface != "" && face.Name == f.Interface {
			return i
		}
		for _, prefix := range face.Prefixes {
			if prefix.Masked().Contains(f.Packet.Src) && prefix.Bits() > bits {
				best, bits = i, prefix.Bits()
			}
		}
	}
	return best
}

// isOwn reports whether an address is the firewall's.
func (j *judge) isOwn(a netip.Addr) bool {
	for i := range j.config.Interfaces {
		for _, prefix := range j.config.Interfaces[i].Prefixes {
			if prefix.Addr() == a {
				return true
			}
		}
	}
	return false
}
