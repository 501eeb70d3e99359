package firewall

import "net/netip"

// routes is a device's routing table: connected networks first among equals, longest
// prefix wins.
type routes struct {
	interfaces []Interface
	local      []localAddress
	entries    []route
}

type localAddress struct {
	family    uint8
	address   address
	at        int16 // interface
	prefix    netip.Prefix
	broadcast address // IPv4 alone; zero where there is none
}

type route struct {
	family     uint8
	base, care address
	bits       int
	at         int16
	via        netip.Addr
	blackhole  bool
}

func newRoutes(interfaces []Interface, static []Route) routes {
	r := routes{interfaces: interfaces}
	for at, in := range interfaces {
		for _, prefix := range in.Prefixes {
			own := prefix.Addr()
			l := localAddress{family: familyOf(own), address: addressOf(own), at: int16(at), prefix: prefix.Masked()}
			if own.Is4() && prefix.Bits() < 31 {
				l.broadcast = lastOf(prefix)
			}
			r.local = append(r.local, l)
			r.add(Route{Dst: prefix.Masked(), Interface: at})
		}
	}
	for _, s := range static {
		r.add(s)
	}
	return r
}

// add puts a route behind those at least as long.
func (r *routes) add(from Route) {
	prefix := from.Dst.Masked()
	added := route{
		family: familyOf(prefix.Addr()), base: addressOf(prefix.Addr()), care: maskOf(prefix),
		bits: prefix.Bits(), at: int16(from.Interface), via: from.Via, blackhole: from.Blackhole,
	}
	at := len(r.entries)
	for at > 0 && r.entries[at-1].bits < added.bits {
		at--
	}
	r.entries = append(r.entries, route{})
	copy(r.entries[at+1:], r.entries[at:])
	r.entries[at] = added
}

func maskOf(prefix netip.Prefix) address {
	ones := func(n int) uint64 {
		if n <= 0 {
			return 0
		}
		return ^uint64(0) << max(64-n, 0)
	}
	if prefix.Addr().Is4() {
		return address{lo: ones(prefix.Bits()) >> 32}
	}
	return address{ones(prefix.Bits()), ones(prefix.Bits() - 64)}
}

// lastOf returns the last address of an IPv4 network.
func lastOf(prefix netip.Prefix) address {
	care := maskOf(prefix)
	return address{lo: addressOf(prefix.Masked().Addr()).lo | uint64(uint32(^care.lo))}
}

// lookup returns the route to an address, false if there is none.
func (r *routes) lookup(a address, family uint8) (*route, bool) {
	for i := range r.entries {
		e := &r.entries[i]
		if e.family == family && a.and(e.care) == e.base {
			return e, true
		}
	}
	return nil, false
}

func (r *routes) isLocal(a address, family uint8) bool {
	for i := range r.local {
		if r.local[i].address == a && r.local[i].family == family {
			return true
		}
	}
	return false
}

func (r *routes) isBroadcast(a address, family uint8) bool {
	if family != 4 {
		return false
	}
	for i := range r.local {
		if r.local[i].broadcast == a {
			return a != address{}
		}
	}
	return a.lo == 0xffffffff
}

// sourceFor returns the address that the device uses on an interface to send to
// dst: the one whose network dst is in, else the first of dst's family.
func (r *routes) sourceFor(at int16, dst netip.Addr) (netip.Addr, bool) {
	var first netip.Addr
	for i := range r.local {
		l := &r.local[i]
		if l.at != at || l.family != familyOf(dst) {
			continue
		}
		own := l.address.addr(l.family)
		if l.prefix.Contains(dst) {
			return own, true
		}
		if !first.IsValid() {
			first = own
		}
	}
	return first, first.IsValid()
}

// firstAddress returns the first address of a family on an interface.
func (r *routes) firstAddress(at int16, family uint8) (address, bool) {
	for i := range r.local {
		if r.local[i].at == at && r.local[i].family == family {
			return r.local[i].address, true
		}
	}
	return address{}, false
}
