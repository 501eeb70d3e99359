package node

import (
	"ftplab/sim/ftp"
)

// secret is what is said over a TLS connection between a simulated program and a real
// host. The host's packets do not show it, but the simulated end knows, and tells, so
// that a real session is recorded as a simulated one is: what the real host said, when
// it has come to the simulated end; what the simulated end said, when it has come to the
// real host.
//
// The two ends find each other by the random number in the ClientHello, as in a log of
// keys for Wireshark: whatever is translated on the way, it is the same on both sides.
// All methods do nothing for a nil secret.
type secret struct {
	real  *Real
	at    *sighting // the connection on the real host; nil until the hello is seen there
	wrote int64     // octets that the simulated end has written under TLS
	under []sealedText
}

// sealedText is what the simulated end said with its octets up to end.
type sealedText struct {
	end   int64
	plain []byte
}

// secretOf returns the secret of a connection, to both its ends.
func (w *World) secretOf(random [32]byte) *secret {
	s := w.secrets[random]
	if s == nil {
		s = &secret{}
		w.secrets[random] = s
	}
	return s
}

// recognize looks for the ClientHello in the first octets of the TLS client.
func (c *secured) recognize(w *World, b []byte) {
	if w.real == 0 || c.secret != nil {
		return
	}
	var whole bool
	if c.hello, whole = untilRandom(c.hello, b); whole {
		c.secret = w.secretOf([32]byte(c.hello[randomAt:]))
	}
}

// Where the random number of a ClientHello begins and ends in the stream of records (RFC
// 8446, sections 4, 4.1.2 and 5.1): after the record's header, the message's, and the
// version.
const (
	randomAt  = 5 + 4 + 2
	randomEnd = randomAt + 32
)

// untilRandom appends b to the first octets of a stream, as far as they matter, and
// reports whether the random number is in them.
func untilRandom(hello, b []byte) ([]byte, bool) {
	hello = append(hello, b[:min(len(b), randomEnd-len(hello))]...)
	return hello, len(hello) == randomEnd
}

// sealed notes that the simulated end has written n octets under TLS, which say plain.
func (k *secret) sealed(n int, plain []byte) {
	if k == nil {
		return
	}
	k.wrote += int64(n)
	if n > 0 && len(plain) > 0 {
		k.under = append(k.under, sealedText{k.wrote, plain})
	}
}

// opened notes what the real host said. That it came here is how it is known, and what
// follows here happens because it was said.
func (k *secret) opened(plain []byte) {
	if k == nil || k.at == nil || k.at.onlooker() == nil {
		return
	}
	k.at.onlooker().Wrote(k.real.w.now, k.at.channel, plain)
	k.real.pump(k.at.session)
}

// isSecret reports whether the octets of a connection are TLS's.
func (s *sighting) isSecret() bool {
	o := s.onlooker()
	return s.secret != nil || o != nil && o.Secured(s.channel)
}

// underTLS takes octets that the real host sent, or that came to it, and tells what they
// say as far as that is known by now.
func (r *Real) underTLS(s *sighting, b []byte, sent bool) {
	if fromClient := sent != s.session.server; fromClient && s.secret == nil {
		var whole bool
		if s.hello, whole = untilRandom(s.hello, b); whole {
			s.secret = r.w.secretOf([32]byte(s.hello[randomAt:]))
			s.secret.real, s.secret.at = r, s
		}
	}
	if sent {
		return
	}
	s.cameUnderTLS += int64(len(b))
	for k := s.secret; k != nil && len(k.under) > 0 && k.under[0].end <= s.cameUnderTLS; k.under = k.under[1:] {
		r.tell(s, ftp.ControlBytes, ftp.DataBytes, k.under[0].plain)
	}
}
