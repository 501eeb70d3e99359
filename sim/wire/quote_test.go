package wire

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestQuoteLength(t *testing.T) {
	long4, long6 := ipv4TCP(strings.Repeat("x", 1400)), ipv6TCP(strings.Repeat("x", 1400))
	short := ipv4TCP("")
	for _, test := range []struct {
		name   string
		packet *Packet
		want   int
	}{
		{"RFC 1812 4.3.2.3: the error is at most 576 octets", &long4, 576 - 20 - 8},
		{"RFC 4443 2.4: the error is at most the minimum MTU", &long6, 1280 - 40 - 8},
		{"all of a short datagram", &short, 40},
	} {
		if got := len(Quote(test.packet)); got != test.want {
			t.Errorf("%s: quotes %d octets, want %d", test.name, got, test.want)
		}
	}
}

// TestParseQuoteCutAnywhere: RFC 792 promises eight octets of the transport header;
// from there on a quote may end anywhere.
func TestParseQuoteCutAnywhere(t *testing.T) {
	p := ipv4TCP(strings.Repeat("x", 1400))
	p.Seq = 0xfeedface
	quote := Quote(&p)
	for n := range len(quote) + 1 {
		got, err := ParseQuote(quote[:n])
		if n < 28 {
			if err == nil {
				t.Fatalf("%d octets were read as %v", n, got.String())
			}
			continue
		}
		if err != nil {
			t.Fatalf("%d octets: %v", n, err)
		}
		want := Packet{Src: p.Src, Dst: p.Dst, SrcPort: p.SrcPort, DstPort: p.DstPort, Seq: p.Seq, TTL: p.TTL, Protocol: TCP}
		if n >= 40 {
			want.Ack, want.Flags, want.Window = p.Ack, p.Flags, p.Window
		}
		if diff := cmp.Diff(want, got, comparePackets); diff != "" {
			t.Fatalf("%d octets (-want +got):\n%s", n, diff)
		}
	}
}

// TestRewriteQuoteEqualsQuoteOfRewritten: translating what was quoted gives the same
// octets as quoting what was translated, checksums included.
func TestRewriteQuoteEqualsQuoteOfRewritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPacket(t)
		if p.FragmentOffset != 0 || p.Protocol != TCP && p.Protocol != UDP {
			return
		}
		p.BadChecksum = false
		drawAddr := drawAddr4
		if p.Is6() {
			drawAddr = drawAddr6
		}
		src := netip.AddrPortFrom(drawAddr(t, "new source"), rapid.Uint16().Draw(t, "new source port"))
		dst := netip.AddrPortFrom(drawAddr(t, "new destination"), rapid.Uint16().Draw(t, "new destination port"))
		rewritten := RewriteQuote(Quote(&p), src, dst)

		p.Src, p.SrcPort, p.Dst, p.DstPort = src.Addr(), src.Port(), dst.Addr(), dst.Port()
		if diff := cmp.Diff(Quote(&p), rewritten); diff != "" {
			t.Errorf("(-quote of rewritten +rewritten quote):\n%s", diff)
		}
	})
}

func TestRewriteQuoteLeavesWhatItCannotRead(t *testing.T) {
	p := ipv4TCP("")
	quote := Quote(&p)
	six := netip.MustParseAddrPort("[2001:db8::1]:21")
	for name, got := range map[string][]byte{
		"cut short":      RewriteQuote(quote[:22], p.SrcEndpoint(), p.DstEndpoint()),
		"another family": RewriteQuote(quote, six, six),
	} {
		if diff := cmp.Diff(quote[:len(got)], got); diff != "" {
			t.Errorf("%s: changed (-before +after):\n%s", name, diff)
		}
	}
}
