package tls

import (
	"encoding/binary"
	"math/rand/v2"
)

// clientHello is a ClientHello (RFC 8446, section 4.1.2) for TLS 1.3 with x25519.
func clientHello(random, session [32]byte, r *rand.Rand) []byte {
	var b []byte
	b = binary.BigEndian.AppendUint16(b, 0x0303)
	b = append(b, random[:]...)
	b = append(append(b, 32), session[:]...)
	b = append(b, 0, 6, 0x13, 0x02, 0x13, 0x03, 0x13, 0x01) // cipher suites
	b = append(b, 1, 0)                                     // no compression
	var x []byte
	x = extension(x, 43, []byte{2, 0x03, 0x04})                                        // supported_versions
	x = extension(x, 10, []byte{0, 4, 0x00, 0x1d, 0x00, 0x17})                         // supported_groups
	x = extension(x, 13, []byte{0, 8, 0x04, 0x03, 0x08, 0x04, 0x08, 0x05, 0x04, 0x01}) // signature_algorithms
	x = extension(x, 51, append([]byte{0, 36}, keyShare(r)...))
	return message(1, append(binary.BigEndian.AppendUint16(b, uint16(len(x))), x...))
}

// serverHello is a ServerHello (section 4.1.3).
func serverHello(random, session [32]byte, r *rand.Rand) []byte {
	var b []byte
	b = binary.BigEndian.AppendUint16(b, 0x0303)
	b = append(b, random[:]...)
	b = append(append(b, 32), session[:]...)
	b = append(b, 0x13, 0x01, 0) // TLS_AES_128_GCM_SHA256, no compression
	var x []byte
	x = extension(x, 43, []byte{0x03, 0x04})
	x = extension(x, 51, keyShare(r))
	return message(2, append(binary.BigEndian.AppendUint16(b, uint16(len(x))), x...))
}

// keyShare is an entry of key_share for x25519.
func keyShare(r *rand.Rand) []byte {
	b := append([]byte{0x00, 0x1d, 0, 32}, make([]byte, 32)...)
	fill(r, b[4:])
	return b
}

func extension(b []byte, kind uint16, body []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	return append(b, body...)
}

// message is a handshake message with its header.
func message(kind byte, body []byte) []byte {
	n := len(body)
	return append([]byte{kind, byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}
