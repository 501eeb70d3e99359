package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var comparePackets = cmp.Options{cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{})}

// TestParseReadsWhatAppendWrote is the round trip of any packet, with octets after
// its end as Ethernet pads them.
func TestParseReadsWhatAppendWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawPacket(t)
		want.Options.cutToFit()
		b := want.Append(nil)
		padding := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "padding")
		got, err := Parse(append(b, padding...))
		if err != nil {
			t.Fatalf("Parse: %v", err)
		}
		if diff := cmp.Diff(want, got, comparePackets); diff != "" {
			t.Errorf("Parse(Append(p)) differs from p (-want +got):\n%s", diff)
		}
	})
}

// cutToFit removes the SACK blocks that Append does not send.
func (o *Options) cutToFit() {
	for i := o.sentBlocks(); i < int(o.NumBlocks); i++ {
		o.Blocks[i] = SACKBlock{}
	}
	o.NumBlocks = uint8(o.sentBlocks())
}

// TestParseRefusesEveryTruncation cuts random packets short everywhere.
func TestParseRefusesEveryTruncation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPacket(t)
		b := p.Append(nil)
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		if got, err := Parse(b[:cut:cut]); err == nil {
			t.Errorf("%d of %d octets were read as %v", cut, len(b), got.String())
		}
	})
}

func ipv4TCP(payload string) Packet {
	return Packet{
		Src: netip.MustParseAddr("10.0.0.2"), Dst: netip.MustParseAddr("192.168.10.1"),
		SrcPort: 1026, DstPort: 21, Seq: 1, Ack: 1, Window: 502, TTL: 64,
		Protocol: TCP, Flags: ACK | PSH, Payload: []byte(payload),
	}
}

func ipv6TCP(payload string) Packet {
	p := ipv4TCP(payload)
	p.Src, p.Dst = netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("2001:db8:10::1")
	return p
}

func TestParseRefuses(t *testing.T) {
	edit := func(p Packet, f func(b []byte)) []byte {
		b := p.Append(nil)
		f(b)
		return b
	}
	udp := ipv4TCP("x")
	udp.Protocol = UDP
	for _, test := range []struct {
		name  string
		bytes []byte
		want  string
	}{
		{"nothing", nil, "IP header is cut short"},
		{"version 5", []byte{0x50, 0}, "IP version 5"},
		{"RFC 791 header length below 5", edit(ipv4TCP(""), func(b []byte) { b[0] = 0x44 }), "header length 16"},
		{"RFC 791 header length past the end", edit(ipv4TCP(""), func(b []byte) { b[0] = 0x4f }), "IPv4 header is cut short"},
		{"RFC 791 total length below the header", edit(ipv4TCP(""), func(b []byte) { b[3] = 10 }), "total length 10"},
		{"RFC 791 total length past the end", edit(ipv4TCP(""), func(b []byte) { b[2] = 9 }), "IPv4 datagram is cut short"},
		{"RFC 9293 data offset below 5", edit(ipv4TCP(""), func(b []byte) { b[32] = 0x40 }), "data offset 16"},
		{"RFC 9293 data offset past the end", edit(ipv4TCP(""), func(b []byte) { b[32] = 0xf0 }), "TCP header is cut short"},
		{"RFC 768 length below 8", edit(udp, func(b []byte) { b[25] = 7 }), "UDP length 7"},
		{"RFC 768 length past the end", edit(udp, func(b []byte) { b[25] = 70 }), "UDP datagram is cut short"},
		{"RFC 8200 extension header past the end", edit(ipv6TCP(""), func(b []byte) { b[6], b[41] = 0, 200 }), "extension header is cut short"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse(test.bytes)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Parse: %v, want an error with %q", err, test.want)
			}
		})
	}
}

// TestParseSkips reads what Append never writes: IP options, extension headers and
// TCP options of other kinds.
func TestParseSkips(t *testing.T) {
	p := ipv4TCP("STAT\r\n")
	plain := p.Append(nil)
	withIPOption := slices.Concat([]byte{0x46}, plain[1:20], []byte{1, 1, 1, 0}, plain[20:])
	withIPOption[3] += 4

	cookie := []byte{1, 1, 34, 10, 0, 0, 0, 1, 0, 0, 0, 2}
	withTCPOption := slices.Concat(plain[:40], cookie, plain[40:])
	withTCPOption[3] += byte(len(cookie))
	withTCPOption[32] = 0x80
	binary.BigEndian.PutUint16(withTCPOption[36:], 0)
	sum := sumTransportPrefix(withTCPOption, TCP, len(withTCPOption)-20)
	binary.BigEndian.PutUint16(withTCPOption[36:], ^fold(sumOctets(sum, withTCPOption[20:])))

	p6 := ipv6TCP("STAT\r\n")
	plain6 := p6.Append(nil)
	extensions := []byte{destinationOptionsHeader, 0, 1, 4, 0, 0, 0, 0, byte(TCP), 0, 1, 4, 0, 0, 0, 0}
	withExtensions := slices.Concat(plain6[:40], extensions, plain6[40:])
	withExtensions[5] += byte(len(extensions))
	withExtensions[6] = hopByHopHeader

	for _, test := range []struct {
		name  string
		bytes []byte
		want  Packet
	}{
		{"RFC 791 options", withIPOption, p},
		{"RFC 7413 Fast Open cookie", withTCPOption, p},
		{"RFC 8200 hop-by-hop and destination options", withExtensions, p6},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse(test.bytes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, comparePackets); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestChecksumLeftToTheCard(t *testing.T) {
	for _, p := range []Packet{ipv4TCP("USER anonymous\r\n"), ipv6TCP("USER anonymous\r\n")} {
		b := p.Append(nil)
		header := len(b) - p.transportLen()
		sum := fold(sumTransportPrefix(b, TCP, p.transportLen()))
		binary.BigEndian.PutUint16(b[header+16:], sum)
		if got, err := Parse(b); err != nil || got.BadChecksum {
			t.Errorf("checksum left to the card: BadChecksum %v, error %v", got.BadChecksum, err)
		}
	}
}

// TestSACKBlocksFitBesideOtherOptions: RFC 2018, section 3, leaves room for four
// blocks only when nothing else is there.
func TestSACKBlocksFitBesideOtherOptions(t *testing.T) {
	for _, test := range []struct {
		options Options
		want    int
	}{
		{Options{NumBlocks: 4}, 36},
		{Options{NumBlocks: 4, MSS: 1460}, 40},
		{Options{NumBlocks: 4, MSS: 1460, SACKPermitted: true, HasScale: true}, 40},
		{Options{NumBlocks: 200}, 36},
		{Options{NumBlocks: 4, HasTimestamps: true}, 40},
	} {
		if got := test.options.Len(); got != test.want || len(test.options.append(nil)) != test.want {
			t.Errorf("%+v: Len %d and %d octets written, want %d", test.options, got, len(test.options.append(nil)), test.want)
		}
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	p := ipv4TCP(strings.Repeat("x", 1460))
	p6 := ipv6TCP(strings.Repeat("x", 1440))
	buffer := make([]byte, 0, 2048)
	allocations := testing.AllocsPerRun(100, func() {
		p.Append(buffer)
		p6.Append(buffer)
	})
	if allocations != 0 {
		t.Errorf("Append allocates %v times with capacity to spare", allocations)
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	p := ipv4TCP("QUIT\r\n")
	got := p.Append([]byte("before"))
	if want := append([]byte("before"), p.Append(nil)...); !bytes.Equal(got, want) {
		t.Errorf("Append to a slice: %x, want %x", got, want)
	}
}

// FuzzParse: any octets give a packet or an error; a packet that was read can be
// written and read again.
func FuzzParse(f *testing.F) {
	for _, p := range []Packet{ipv4TCP("PASV\r\n"), ipv6TCP("EPSV\r\n"), {
		Src: netip.MustParseAddr("10.0.0.1"), Dst: netip.MustParseAddr("10.0.0.2"), Protocol: ICMP, ICMPType: 3, ICMPCode: 13,
	}} {
		f.Add(p.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, link := range []LinkType{LinkNull, LinkEthernet, LinkLinuxCooked, LinkLinuxCooked2} {
			if datagram, err := Datagram(link, b); err == nil {
				_, _ = Parse(datagram)
			}
		}
		if quoted, err := ParseQuote(b); err == nil {
			RewriteQuote(b, quoted.DstEndpoint(), quoted.SrcEndpoint())
		}
		first, err := Parse(b)
		if err != nil {
			return
		}
		second, err := Parse(first.Append(nil))
		if err != nil {
			t.Fatalf("%v was read, but not once written: %v", first.String(), err)
		}
		if diff := cmp.Diff(first, second, comparePackets); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	p := ipv4TCP(strings.Repeat("x", 1460))
	buffer := make([]byte, 0, 2048)
	b.SetBytes(int64(p.Len()))
	b.ReportAllocs()
	for b.Loop() {
		p.Append(buffer)
	}
}

func BenchmarkParse(b *testing.B) {
	p := ipv4TCP(strings.Repeat("x", 1460))
	datagram := p.Append(nil)
	b.SetBytes(int64(len(datagram)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(datagram); err != nil {
			b.Fatal(err)
		}
	}
}

// TestOptionsAsLinuxWritesThem: the order of the options and which share their padding, as
// in the segments of Linux 6.18.
func TestOptionsAsLinuxWritesThem(t *testing.T) {
	for name, test := range map[string]struct {
		octets  string
		options Options
	}{
		"SYN": {"020405b40402080a1f1e1d1c0000000001030307",
			Options{MSS: 1460, SACKPermitted: true, HasTimestamps: true, TSVal: 0x1f1e1d1c, HasScale: true, WindowScale: 7}},
		"ACK": {"0101080a1f1e1d1c00000005", Options{HasTimestamps: true, TSVal: 0x1f1e1d1c, TSEcr: 5}},
		"ACK with SACK": {"0101080a1f1e1d1c000000050101050a0000000100000009",
			Options{HasTimestamps: true, TSVal: 0x1f1e1d1c, TSEcr: 5, NumBlocks: 1, Blocks: [4]SACKBlock{{Left: 1, Right: 9}}}},
		"SYN without timestamps": {"020405b40101040201030307",
			Options{MSS: 1460, SACKPermitted: true, HasScale: true, WindowScale: 7}},
	} {
		if got := hex.EncodeToString(test.options.append(nil)); got != test.octets || len(got) != 2*test.options.Len() {
			t.Errorf("%s: wrote %s, Linux writes %s; Len is %d", name, got, test.octets, test.options.Len())
		}
	}
}
