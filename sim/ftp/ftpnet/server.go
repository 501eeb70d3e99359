package ftpnet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"ftplab/sim/ftp"
)

// DefaultAddress is where a server listens unless told otherwise: nobody but this
// machine reaches it.
const DefaultAddress = "127.0.0.1:2121"

// ServerOptions say what a Server serves, and to whom. The zero value serves the
// tree of the lessons to anonymous readers.
type ServerOptions struct {
	// Config is the engine's; nil is ftp.DefaultServerConfig. Its Epoch and TLS are set
	// by the server.
	Config *ftp.ServerConfig
	// Root is the folder that is served; "" serves Tree, and without one a tree like
	// that of the lessons, in memory.
	Root string
	Tree *ftp.Tree

	// Certificate is for FTPS; without one the server makes its own. NoTLS switches
	// FTPS off.
	Certificate *tls.Certificate
	NoTLS       bool

	// MaxSessions and MaxPerAddress bound the sessions, in all and from one address;
	// 0 is 200 and 20, negative is no bound.
	MaxSessions, MaxPerAddress int

	// Log gets sessions, logins, transfers and refusals, and with slog.LevelDebug every
	// line; never a password. nil is no log.
	Log *slog.Logger
}

// Server serves FTP on real sockets.
type Server struct {
	options ServerOptions
	config  ftp.ServerConfig
	root    *os.Root
	shared  *sharedTree
	tls     *tls.Config
	log     *slog.Logger
	epoch   time.Time

	background sync.WaitGroup // connections that wait for a last FIN

	mu        sync.Mutex
	listeners []net.Listener
	sessions  map[*carrier]netip.Addr
	perPeer   map[netip.Addr]int
	closing   bool
	carried   sync.WaitGroup
	served    uint64 // sessions so far
}

// ErrServerClosed is returned by Serve after Shutdown or Close.
var ErrServerClosed = errors.New("ftp: server closed")

// maxTreeBytes bounds what clients can put into a tree in memory.
const maxTreeBytes = 256 << 20

// NewServer prepares a server: it opens the folder and makes the certificate.
func NewServer(options ServerOptions) (*Server, error) {
	s := &Server{
		options:  options,
		log:      options.Log,
		epoch:    time.Now(),
		sessions: map[*carrier]netip.Addr{},
		perPeer:  map[netip.Addr]int{},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if options.Config != nil {
		s.config = *options.Config
	} else {
		s.config = ftp.DefaultServerConfig()
	}
	s.config.Epoch = s.epoch
	s.config.KeepBytes = false
	if err := s.openFiles(); err != nil {
		return nil, err
	}
	s.config.TLS = !options.NoTLS
	if s.config.TLS {
		if err := s.makeTLS(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Server) openFiles() error {
	if s.options.Root != "" {
		root, err := os.OpenRoot(s.options.Root)
		if err != nil {
			return fmt.Errorf("cannot serve %s: %w", s.options.Root, err)
		}
		s.root = root
		return nil
	}
	tree := s.options.Tree
	if tree == nil {
		tree = ftp.DefaultTree()
		tree.MaxBytes = maxTreeBytes
	}
	s.shared = &sharedTree{tree: tree}
	return nil
}

func (s *Server) makeTLS() error {
	certificate := s.options.Certificate
	if certificate == nil {
		made, err := SelfSigned([]string{"localhost", "127.0.0.1", "::1"}, s.epoch)
		if err != nil {
			return err
		}
		certificate = &made
	}
	s.tls = &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12}
	return nil
}

// Listen opens a listener for Serve at "host:port"; "" is DefaultAddress.
func Listen(address string) (net.Listener, error) {
	if address == "" {
		address = DefaultAddress
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	return l, nil
}

// Serve accepts control connections until Shutdown or Close, and then returns
// ErrServerClosed. It may be called for several listeners.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		l.Close()
		return ErrServerClosed
	}
	s.listeners = append(s.listeners, l)
	s.mu.Unlock()
	s.log.Info("serving", "address", l.Addr().String(), "tls", s.config.TLS)
	for {
		conn, err := l.Accept()
		if err != nil {
			if s.isClosing() {
				return ErrServerClosed
			}
			if failureIsPassing(err) {
				s.log.Warn("cannot accept", "error", err)
				time.Sleep(50 * time.Millisecond) // too many open files: wait for some to close
				continue
			}
			return fmt.Errorf("accepting: %w", err)
		}
		s.accept(conn)
	}
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// accept begins a session, or refuses it.
func (s *Server) accept(conn net.Conn) {
	peer := addrPort(conn.RemoteAddr())
	files := s.files()
	session := ftp.NewSession(&s.config, files)
	s.mu.Lock()
	s.served++
	log := s.log.With("session", s.served, "peer", peer.String())
	c := newCarrier(session, log, s.epoch, &s.background)
	refused := s.refusal(peer.Addr())
	if refused == "" {
		s.sessions[c] = peer.Addr()
		s.perPeer[peer.Addr()]++
		s.carried.Add(1)
	}
	s.mu.Unlock()
	if refused != "" {
		log.Warn("session refused", "reason", refused)
		s.refuse(conn)
		return
	}
	c.tls = func(conn net.Conn) *tls.Conn { return tls.Server(conn, s.tls) }
	c.dataPort = dataPortBeside(addrPort(conn.LocalAddr()).Port())
	c.note = (&sessionLog{log: log, session: session}).note
	go func() {
		defer s.carried.Done()
		log.Info("session begins")
		c.control = newControl(c, conn)
		c.run(ftp.Input{Kind: ftp.Start, Addr: peer, Local: addrPort(conn.LocalAddr())})
		if f, ok := files.(*folder); ok {
			f.closeAll()
		}
		s.forget(c)
		log.Info("session ends")
	}()
}

// dataPortBeside returns the port L-1 beside control port L (RFC 959, section 3.2),
// or nil where that is the 20 the machine says itself.
func dataPortBeside(control uint16) *uint16 {
	if control == 21 {
		return nil
	}
	port := control - 1
	return &port
}

func (s *Server) files() ftp.FileSystem {
	if s.root != nil {
		return newFolder(s.root)
	}
	return s.shared
}

// refusal says why no session can begin for this peer; "" when it can.
func (s *Server) refusal(peer netip.Addr) string {
	limit := func(value, otherwise int) int {
		if value == 0 {
			return otherwise
		}
		return value
	}
	total, perPeer := limit(s.options.MaxSessions, 200), limit(s.options.MaxPerAddress, 20)
	switch {
	case s.closing:
		return "shutting down"
	case total > 0 && len(s.sessions) >= total:
		return "too many sessions"
	case perPeer > 0 && s.perPeer[peer] >= perPeer:
		return "too many sessions from this address"
	}
	return ""
}

// refuse says 421 and closes.
func (s *Server) refuse(conn net.Conn) {
	s.background.Go(func() {
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(controlLinger))
		fmt.Fprintf(conn, "%s\r\n", s.config.BusyReply())
	})
}

func (s *Server) forget(c *carrier) {
	s.mu.Lock()
	defer s.mu.Unlock()
	peer := s.sessions[c]
	delete(s.sessions, c)
	if s.perPeer[peer]--; s.perPeer[peer] <= 0 {
		delete(s.perPeer, peer)
	}
}

// Sessions returns how many sessions there are.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Shutdown takes no more sessions, lets every transfer end, says goodbye, and
// returns when all is closed. When ctx ends first, what is left is cut and ctx's error
// returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.end(func(c *carrier) { c.orderly.Do(func() { close(c.stop) }) })
	over := make(chan struct{})
	go func() {
		s.carried.Wait()
		s.background.Wait()
		close(over)
	}()
	var err error
	select {
	case <-over:
	case <-ctx.Done():
		err = ctx.Err()
		s.end(func(c *carrier) { c.forced.Do(func() { close(c.kill) }) })
		<-over
	}
	if s.root != nil {
		s.root.Close()
	}
	return err
}

// Close ends the server and all its sessions at once.
func (s *Server) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// end closes the listeners and does the same to every session.
func (s *Server) end(do func(*carrier)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for _, l := range s.listeners {
		l.Close()
	}
	s.listeners = nil
	for c := range s.sessions {
		do(c)
	}
}

// sessionLog writes down what a session notes.
type sessionLog struct {
	log     *slog.Logger
	session *ftp.Session
	command string
	user    string
}

func (l *sessionLog) note(e ftp.Effect) {
	switch e.Note {
	case ftp.CommandReceived:
		l.command = e.Text
		l.log.Debug("command", "line", e.Text)
	case ftp.ReplySent:
		l.log.Debug("reply", "line", e.Text)
		if user := l.session.User(); user != l.user {
			l.user = user
			l.log.Info("login", "user", user) // "" is a logout
		}
	case ftp.CommandRefused:
		l.log.Info("refused", "command", l.command, "reason", e.Text)
	case ftp.GaveUp:
		l.log.Info("gave up", "timer", e.Text)
	case ftp.TransferDone:
		l.log.Info("transfer", "command", e.Text, "octets", e.Count)
	}
}
