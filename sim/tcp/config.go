package tcp

import "time"

// Config is how one end of a connection behaves. Start from DefaultConfig: the zero
// value of a field means zero, except where a connection could not work with it
// (see the fields); such values, and those out of range, are replaced quietly.
type Config struct {
	// MSS is the largest segment we accept and send, in octets without options:
	// 88 to 65495. 0 is the default.
	MSS uint16
	// WindowScale is the shift count we offer for our receive window, 0 to 14
	// (RFC 7323, section 2.3).
	WindowScale uint8
	// NoWindowScale and NoSACK leave the option out of our SYN, as the sysctls
	// tcp_window_scaling and tcp_sack do.
	NoWindowScale, NoSACK bool
	// Timestamps offers the timestamps option in our SYN, and takes it from the peer's
	// (RFC 7323, section 3; tcp_timestamps). They are in milliseconds.
	Timestamps bool
	// RACK tells losses by time and sends tail loss probes (RFC 8985), and takes
	// recovery back that had no reason (RFC 4015, with Timestamps). It takes SACK. Off,
	// losses are told by three SACKed segments (RFC 6675), and the tail is left to the
	// retransmission timer: fewer things to look at.
	RACK bool
	// CongestionControl decides how fast data leaves and how much of it is on the way.
	CongestionControl CongestionControl
	// NoDelay turns Nagle's algorithm off (TCP_NODELAY; RFC 9293, section 3.7.4).
	NoDelay bool
	// ReceiveBuffer is how many octets may wait to be read: 1 to 1 GiB, 0 is the
	// default. It does not grow by itself.
	ReceiveBuffer uint32
	// SendBuffer is how many octets may wait to be sent or acknowledged before Room
	// reports that there is none.
	SendBuffer uint32
	// InitialWindow is the first congestion window in segments (RFC 6928). 0 is the
	// default.
	InitialWindow uint8

	// SYNRetries and SYNLinearTimeouts say how often a SYN is repeated: the first
	// SYNLinearTimeouts times after InitialRTO each, then SYNRetries times with
	// doubling (tcp_syn_linear_timeouts, tcp_syn_retries).
	SYNRetries, SYNLinearTimeouts uint8
	// SYNACKRetries is how often an unanswered SYN-ACK is repeated (tcp_synack_retries).
	SYNACKRetries uint8
	// MaxRetries and OrphanRetries say when unanswered data or an unanswered FIN is
	// given up: in the time that so many retransmissions take when they begin with
	// the smallest RTO (tcp_retries2; tcp_orphan_retries holds after Close).
	MaxRetries, OrphanRetries uint8

	// InitialRTO, MinRTO and MaxRTO bound the retransmission timeout (RFC 6298).
	// MinRTO is the floor of the variance term, as in Linux: the RTO is the smoothed
	// round-trip time plus at least MinRTO. 0 is the default.
	InitialRTO, MinRTO, MaxRTO time.Duration
	// DelayedACK is the shortest time for which an acknowledgment is held back
	// (RFC 9293, section 3.8.6.3), the longest is 200 ms. 0 is the default.
	DelayedACK time.Duration
	// TimeWait is how long TIME-WAIT lasts (RFC 9293: 2 MSL). FINWait2 is how long a
	// closed connection waits for the peer's FIN (tcp_fin_timeout).
	TimeWait, FINWait2 time.Duration
	// TimerTick is the resolution of timers: they go off late by up to a tick, and
	// the further ahead they are set the coarser they are, as in the kernel's timer
	// wheel. 0 is exact timers, the most is a second; other durations are cut at a day.
	TimerTick time.Duration
}

// CongestionControl is an algorithm of congestion control.
type CongestionControl uint8

// The algorithms.
const (
	// Reno is RFC 5681 with RFC 6582 and 6675: the window halves when something is lost.
	Reno CongestionControl = iota
	// BBR is version 1 of "Bottleneck Bandwidth and Round-trip propagation time": rate and
	// window follow what was delivered and how long it took, with pacing.
	BBR
)

// DefaultConfig returns how Linux 6.x behaves out of the box on Ethernet, at 250
// ticks a second. The receive buffer is what Linux begins with.
func DefaultConfig() Config {
	return Config{
		MSS:               1460,
		WindowScale:       10,
		ReceiveBuffer:     64240, // 44 segments: what fits in half of tcp_rmem's 128 KiB
		SendBuffer:        256 << 10,
		InitialWindow:     10,
		SYNRetries:        6,
		SYNLinearTimeouts: 4,
		SYNACKRetries:     5,
		MaxRetries:        15,
		OrphanRetries:     8,
		InitialRTO:        time.Second,
		MinRTO:            200 * time.Millisecond,
		MaxRTO:            120 * time.Second,
		DelayedACK:        40 * time.Millisecond,
		TimeWait:          60 * time.Second,
		FINWait2:          60 * time.Second,
		TimerTick:         4 * time.Millisecond,
	}
}

// LiveConfig returns the configuration for bulk transfers with a real peer over a link
// that loses packets: what Linux's automatic buffers may grow to from the start, all
// that is known against losses, a congestion control that they do not slow down, and
// timers that go off when they are due.
func LiveConfig() Config {
	cfg := DefaultConfig()
	cfg.WindowScale = 7
	cfg.ReceiveBuffer = 6 << 20
	cfg.SendBuffer = 4 << 20
	cfg.Timestamps, cfg.RACK = true, true
	cfg.CongestionControl = BBR
	cfg.TimerTick = 0
	return cfg
}

const (
	minMSS           = 88      // Linux: TCP_MIN_SND_MSS plus room for options
	maxMSS           = 65495   // the largest IPv4 datagram less both headers
	maxScale         = 14      // RFC 7323, section 2.3
	maxReceiveBuffer = 1 << 30 // RFC 7323: the largest window there can be
	maxUnscaled      = 65535
	maxTimer         = 24 * time.Hour // keeps sums of durations within their type
)

// usable returns the configuration with what no connection could work with replaced.
func (cfg Config) usable() Config {
	def := DefaultConfig()
	if cfg.MSS == 0 {
		cfg.MSS = def.MSS
	}
	cfg.MSS = min(max(cfg.MSS, minMSS), maxMSS)
	cfg.WindowScale = min(cfg.WindowScale, maxScale)
	if cfg.ReceiveBuffer == 0 {
		cfg.ReceiveBuffer = def.ReceiveBuffer
	}
	cfg.ReceiveBuffer = min(cfg.ReceiveBuffer, maxReceiveBuffer)
	if cfg.InitialWindow == 0 {
		cfg.InitialWindow = def.InitialWindow
	}
	for _, d := range []struct {
		value   *time.Duration
		instead time.Duration
	}{
		{&cfg.InitialRTO, def.InitialRTO},
		{&cfg.MinRTO, def.MinRTO},
		{&cfg.MaxRTO, def.MaxRTO},
		{&cfg.DelayedACK, def.DelayedACK},
	} {
		if *d.value <= 0 {
			*d.value = d.instead
		}
	}
	cfg.InitialRTO = min(cfg.InitialRTO, maxTimer)
	cfg.MinRTO = min(cfg.MinRTO, maxTimer)
	cfg.MaxRTO = min(max(cfg.MaxRTO, cfg.MinRTO, cfg.InitialRTO), maxTimer)
	cfg.DelayedACK = min(cfg.DelayedACK, maxDelayedACK)
	cfg.TimeWait = min(max(cfg.TimeWait, 0), maxTimer)
	cfg.FINWait2 = min(max(cfg.FINWait2, 0), maxTimer)
	cfg.TimerTick = min(max(cfg.TimerTick, 0), time.Second)
	return cfg
}
