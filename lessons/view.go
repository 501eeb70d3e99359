package lessons

import (
	"net/netip"

	"ftplab/sim/ftp"
	"ftplab/sim/trace"
	"ftplab/sim/wire"
)

// view is a trace with what selectors and facts ask about it again and again.
type view struct {
	tr *trace.Trace
	// data are the addresses with ports that data connections and their listeners use.
	data map[netip.AddrPort]bool
}

func newView(tr *trace.Trace) *view {
	v := &view{tr: tr, data: map[netip.AddrPort]bool{}}
	for id := trace.ID(1); id <= trace.ID(tr.Len()); id++ {
		if tr.Kind(id) != trace.KindSocket {
			continue
		}
		if s := tr.Event(id).Body.(trace.Socket); s.Channel == ftp.Data && s.Local.Addr().IsValid() && s.Local.Port() != 0 {
			v.data[s.Local] = true
		}
	}
	return v
}

// isData reports whether a packet belongs to a data connection: one of its ends is a
// socket for data, also where NAT has changed the other.
func (v *view) isData(p *wire.Packet) bool {
	return v.data[p.SrcEndpoint()] || v.data[p.DstEndpoint()]
}

// name is a node's name, "" for none.
func (v *view) name(n trace.NodeID) string {
	if int(n) >= len(v.tr.Nodes) {
		return ""
	}
	return v.tr.Nodes[n].Name
}

// owner is the name of the node that has an address, "" if none has.
func (v *view) owner(a netip.Addr) string {
	for _, n := range v.tr.Nodes {
		for _, f := range n.Interfaces {
			for _, p := range f.Prefixes {
				if p.Addr() == a {
					return n.Name
				}
			}
		}
	}
	return ""
}
