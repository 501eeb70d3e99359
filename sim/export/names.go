package export

import (
	"encoding/binary"
	"net/netip"

	"ftplab/sim/trace"
)

// The name resolution block of pcapng (draft-ietf-opsawg-pcapng, section 4.5).
const (
	blockNameResolution = 0x00000004
	recordIPv4          = 1
	recordIPv6          = 2
)

// nameResolutionBlock returns the block that tells dissectors the nodes' names, in
// little-endian order as gopacket writes the rest of the file.
func nameResolutionBlock(t *trace.Trace) []byte {
	var records []byte
	written := map[netip.Addr]bool{}
	for _, node := range t.Nodes {
		for _, f := range node.Interfaces {
			for _, prefix := range f.Prefixes {
				if addr := prefix.Addr(); !written[addr] {
					written[addr] = true
					records = appendNameRecord(records, addr, node.Name)
				}
			}
		}
	}
	records = append(records, 0, 0, 0, 0) // end of records
	length := uint32(12 + len(records))
	block := binary.LittleEndian.AppendUint32(nil, blockNameResolution)
	block = binary.LittleEndian.AppendUint32(block, length)
	block = append(block, records...)
	return binary.LittleEndian.AppendUint32(block, length)
}

func appendNameRecord(dst []byte, addr netip.Addr, name string) []byte {
	kind := uint16(recordIPv4)
	if addr.Is6() {
		kind = recordIPv6
	}
	value := append(addr.AsSlice(), name...)
	value = append(value, 0)
	dst = binary.LittleEndian.AppendUint16(dst, kind)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(value)))
	dst = append(dst, value...)
	for len(dst)%4 != 0 {
		dst = append(dst, 0)
	}
	return dst
}
