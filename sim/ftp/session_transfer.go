package ftp

import (
	"bytes"
	"errors"
	"net/netip"
	"time"

	"ftplab/sim/event"
)

// transfer is what goes, or will go, over the data connection.
type transfer struct {
	kind    transferKind
	command string // the whole line
	name    string // as the client said it
	size    int64  // of the file, octets
	listing bool
	unique  bool // STOU: the reply names the file

	content []byte // of a listing
	file    Handle
	open    bool
	offset  int64 // in the file or listing
	octets  int64 // that went over the data connection
	chunks  int   // that were sent
	due     event.Time
	ascii   asciiConverter
}

type transferKind uint8

const (
	noTransfer transferKind = iota
	sendingTransfer
	receivingTransfer
)

// wallClock is the time of day.
func (s *Session) wallClock() time.Time {
	return s.config.Epoch.Add(time.Duration(s.now))
}

// begin takes a transfer whose file is open, and gets it a data connection: the
// server connects now, not at PORT (RFC 959, section 3.2), and says 150 only when the
// connection is there.
func (s *Session) begin(t transfer) {
	s.transfer = t
	s.transfer.command = s.command
	if why := s.promiscuousPitfall(); why != "" {
		s.die(why)
		return
	}
	switch {
	case s.data.foreign:
		s.failTransfer(saidDataForeign)
	case s.data.up:
		s.startTransfer()
	case s.data.mode == passive:
		s.setBusy(busyConnecting, s.config.AcceptTimeout)
	default:
		local := uint16(0)
		if s.config.DataPort20 {
			local = 20
		}
		s.setBusy(busyConnecting, s.config.ConnectTimeout)
		s.effects.push(Effect{Kind: DialData, Addr: s.data.target, Local: netip.AddrPortFrom(s.local.Addr(), local)})
	}
}

// startTransfer says 150: the data connection is there.
func (s *Session) startTransfer() {
	t := &s.transfer
	switch {
	case t.unique:
		s.say(saidUnique, t.name)
	case t.listing:
		s.say(saidListing)
	case t.kind == receivingTransfer:
		s.say(saidReceiving)
	default:
		mode := "BINARY"
		if s.ascii {
			mode = "ASCII"
		}
		s.say(saidOpening, mode, t.name, t.size)
	}
	if s.security.private {
		s.setBusy(busyDataTLS, s.config.AcceptTimeout)
		s.effects.push(Effect{Kind: StartTLS, Channel: Data, Bytes: bytes.Join(s.data.early, nil)})
		s.data.early = nil
		return
	}
	s.runTransfer()
}

// runTransfer moves the first octets.
func (s *Session) runTransfer() {
	if s.transfer.kind == sendingTransfer {
		s.setBusy(busySending, s.config.DataTimeout)
		s.sendMore()
		return
	}
	s.setBusy(busyReceiving, s.config.DataTimeout)
	s.ask(ReceiveData)
	early := s.data.early
	s.data.early = nil
	for _, b := range early {
		if s.busy == busyReceiving {
			s.receive(b)
		}
	}
	if s.data.eof && s.busy == busyReceiving {
		s.finishReceiving()
	}
}

// restartProgress starts the data timer anew.
func (s *Session) restartProgress() { s.setBusy(s.busy, s.config.DataTimeout) }

// sendMore sends the next chunk, or FIN after the last.
func (s *Session) sendMore() {
	if s.busy != busySending {
		return
	}
	t := &s.transfer
	b, err := s.nextChunk()
	if err != nil {
		s.failTransfer(saidReadFailed)
		return
	}
	if len(b) == 0 {
		s.finishData()
		return
	}
	t.offset += int64(len(b))
	if s.ascii && !t.listing {
		b = t.ascii.toNetwork(b)
	}
	t.octets += int64(len(b))
	t.chunks++
	t.due = s.now
	if rate := s.config.MaxRate; rate > 0 && t.chunks > 1 {
		// vsftpd's clock starts with the first chunk, which is thus free.
		t.due = s.now.Add(time.Duration(int64(len(b)) * int64(time.Second) / int64(rate)))
	}
	last := t.offset >= t.size && s.config.MaxRate == 0
	s.effects.push(Effect{Kind: SendData, Bytes: b, More: !last})
	if last {
		s.finishData()
	}
}

func (s *Session) nextChunk() ([]byte, error) {
	t := &s.transfer
	limit := s.config.ChunkSize
	if limit <= 0 {
		limit = 64 << 10
	}
	if t.listing {
		b := t.content[t.offset:]
		return b[:min(len(b), limit)], nil
	}
	return s.files.ReadAt(t.file, t.offset, limit)
}

// pace sends the next chunk when the rate allows it.
func (s *Session) pace() {
	if s.transfer.due > s.now {
		s.paceAt = s.transfer.due
		return
	}
	s.sendMore()
}

func (s *Session) finishData() {
	s.ask(FinishData)
	s.setBusy(busyFlushing, s.config.DataTimeout)
}

// finishSending says 226: the client has everything, and our FIN.
func (s *Session) finishSending() {
	done := saidTransferDone
	if s.transfer.listing {
		done = saidListingDone
	}
	s.finishTransfer(done)
}

func (s *Session) finishTransfer(done phrase) {
	s.note(Effect{Note: TransferDone, Text: s.transfer.command, Count: s.transfer.octets})
	s.ask(CloseData)
	s.data.up = false
	if err := s.releaseTransfer(); err != nil {
		s.say(fileFault(err, saidReadFailed))
		return
	}
	s.say(done)
}

// receive stores what arrived.
func (s *Session) receive(b []byte) {
	t := &s.transfer
	t.octets += int64(len(b))
	if s.ascii {
		b = t.ascii.fromNetwork(b)
	}
	if err := s.files.WriteAt(t.file, t.offset, b, s.config.KeepBytes); err != nil {
		s.failTransfer(fileFault(err, saidReadFailed))
		return
	}
	t.offset += int64(len(b))
}

func (s *Session) finishReceiving() {
	if rest := s.transfer.ascii.flush(); s.ascii && len(rest) > 0 {
		if err := s.files.WriteAt(s.transfer.file, s.transfer.offset, rest, true); err != nil {
			s.failTransfer(fileFault(err, saidReadFailed))
			return
		}
	}
	s.finishTransfer(saidTransferDone)
}

// fileFault is the phrase for an error in the middle of a transfer.
func fileFault(err error, otherwise phrase) phrase {
	if errors.Is(err, ErrNoSpace) {
		return saidNoSpace
	}
	return otherwise
}

// failTransfer gives the transfer up and says why.
func (s *Session) failTransfer(p phrase, args ...any) {
	s.abandon()
	s.say(p, args...)
}

// abandon ends the transfer and its data connection, whatever state they are in.
func (s *Session) abandon() {
	if s.busy == busyConnecting && s.data.mode == active {
		s.ask(AbandonData)
	}
	if s.transfer.octets > 0 {
		s.note(Effect{Note: TransferDone, Text: s.transfer.command, Count: s.transfer.octets})
	}
	// What was written is closed as it is; the reply already says that it failed.
	_ = s.releaseTransfer()
}

// releaseTransfer closes the file and forgets the data connection and its mode: one
// PORT or PASV is good for one transfer.
func (s *Session) releaseTransfer() error {
	var err error
	if s.transfer.open {
		err = s.files.Close(s.transfer.file, s.wallClock())
	}
	s.transfer = transfer{}
	s.restart = 0
	s.paceAt = event.Never
	s.dropData()
	if s.busy != idle {
		s.setBusy(idle, 0)
	}
	return err
}

// onBusyTimeout gives up what the session waits for.
func (s *Session) onBusyTimeout() {
	switch s.busy {
	case busyConnecting:
		s.note(Effect{Note: GaveUp, Text: s.connectTimer()})
		s.failTransfer(saidDataFailed, TimedOut.String())
	case busyDataTLS:
		s.note(Effect{Note: GaveUp, Text: "TLS on the data connection"})
		s.failTransfer(saidDataTLSFailed)
	case busySending, busyFlushing, busyReceiving:
		s.note(Effect{Note: GaveUp, Text: "data timeout"})
		s.failTransfer(saidDataTimeout, s.config.DataTimeout)
		if s.profile.timeoutCloses {
			s.close()
		}
	case busyControlTLS:
		s.note(Effect{Note: GaveUp, Text: "TLS on the control connection"})
		s.close()
	}
}

func (s *Session) connectTimer() string {
	if s.data.mode == active {
		return "connect timeout"
	}
	return "accept timeout"
}

// abort handles ABOR (RFC 959, section 4.1.3): 426 for the transfer, 226 for ABOR;
// 225 when there was none.
func (s *Session) abort(string) {
	if s.transfer.kind == noTransfer {
		if !s.profile.abortKeepsPassive {
			s.dropData()
		}
		s.say(saidNothingToAbort)
		return
	}
	s.abandon()
	s.say(saidAborted)
	s.say(saidAbortDone)
}
