package tcp

// initialWindow is the window in our SYN: whole segments, unscaled.
func (c *Conn) initialWindow() uint32 {
	n := min(c.cfg.ReceiveBuffer, maxUnscaled)
	if mss := uint32(c.cfg.MSS); n > mss {
		n -= n % mss
	}
	return n
}

// window is the window that the receive buffer allows now, in octets (Linux:
// __tcp_select_window). It avoids the silly window syndrome (RFC 9293, section
// 3.8.6.2.2): a window below a segment is no window.
func (c *Conn) window() uint32 {
	size := c.cfg.ReceiveBuffer
	if c.inbox.unread >= size {
		return 0
	}
	free := size - c.inbox.unread
	least := min(c.snd.mss, size/2)
	if free < size/2 && (free < size/16 || free < least) {
		return 0
	}
	return c.scaled(free)
}

// scaled rounds a window up to what can be said on the wire.
func (c *Conn) scaled(n uint32) uint32 {
	unit := uint32(1) << c.rcv.scale
	return min((n+unit-1)&^(unit-1), maxUnscaled<<c.rcv.scale)
}

// offerWindow chooses the window for a segment that is about to leave and returns
// it as it is on the wire. A window that was offered is never taken back (RFC 9293,
// section 3.8.6).
func (c *Conn) offerWindow() uint16 {
	n := c.window()
	if offered := c.rcv.offered(); n < offered {
		n = c.scaled(offered)
	}
	c.rcv.wnd, c.rcv.wup = n, c.rcv.nxt
	return uint16(n >> c.rcv.scale)
}
