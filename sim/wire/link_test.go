package wire

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestDatagram(t *testing.T) {
	p, p6 := ipv4TCP("NOOP\r\n"), ipv6TCP("NOOP\r\n")
	four, six := p.Append(nil), p6.Append(nil)
	macs := make([]byte, 12)
	cooked := func(etherType ...byte) []byte { return append(make([]byte, 14), etherType...) }
	cooked2 := func(etherType ...byte) []byte { return append(slices.Clone(etherType), make([]byte, 18)...) }
	for _, test := range []struct {
		name   string
		link   LinkType
		header []byte
		ip     []byte
	}{
		{"Ethernet, IPv4", LinkEthernet, append(macs, 8, 0), four},
		{"Ethernet, IPv6", LinkEthernet, append(macs, 0x86, 0xdd), six},
		{"Ethernet, one VLAN tag", LinkEthernet, append(macs, 0x81, 0, 0, 7, 8, 0), four},
		{"Ethernet, two VLAN tags", LinkEthernet, append(macs, 0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 0x86, 0xdd), six},
		{"raw", LinkRaw, nil, four},
		{"raw, IPv6 link type", LinkIPv6, nil, six},
		{"BSD loopback", LinkNull, []byte{2, 0, 0, 0}, four},
		{"OpenBSD loopback", LinkLoop, []byte{0, 0, 0, 24}, six},
		{"Linux cooked", LinkLinuxCooked, cooked(8, 0), four},
		{"Linux cooked, VLAN", LinkLinuxCooked, cooked(0x81, 0, 0, 7, 0x86, 0xdd), six},
		{"Linux cooked v2", LinkLinuxCooked2, cooked2(8, 0), four},
	} {
		t.Run(test.name, func(t *testing.T) {
			frame := slices.Concat(test.header, test.ip)
			got, err := Datagram(test.link, frame)
			if err != nil || !bytes.Equal(got, test.ip) {
				t.Fatalf("Datagram: %x, %v", got, err)
			}
			for n := range len(test.header) {
				if got, err := Datagram(test.link, frame[:n]); err == nil {
					t.Errorf("%d octets of the link header: %x", n, got)
				}
			}
		})
	}
}

func TestDatagramOfOtherProtocols(t *testing.T) {
	arp := append(make([]byte, 12), 8, 6, 0, 1)
	if _, err := Datagram(LinkEthernet, arp); !errors.Is(err, ErrNotIP) {
		t.Errorf("ARP: %v, want ErrNotIP", err)
	}
	if _, err := Datagram(LinkNull, []byte{7, 0, 0, 0, 0xff}); !errors.Is(err, ErrNotIP) {
		t.Errorf("loopback of another family: %v, want ErrNotIP", err)
	}
	if _, err := Datagram(105, arp); err == nil || !strings.Contains(err.Error(), "link type 105") {
		t.Errorf("802.11: %v, want an error that names the link type", err)
	}
}
