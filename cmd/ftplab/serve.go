package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ftplab/sim/ftp"
	"ftplab/sim/ftp/ftpnet"
)

// serveOptions are the flags of `serve`.
type serveOptions struct {
	listen, users               []string
	root, pasv, publicAddress   string
	noAnonymous, anyDataPort    bool
	allowBounce                 bool
	certificate, key            string
	noTLS, requireTLS           bool
	maxSessions, maxPerAddress  int
	maxLoginFailures            int
	idle, dataTimeout, shutdown time.Duration
	logFormat                   string
	verbose                     bool
}

func newServeCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve FTP on real sockets, with the very engine of the lessons",
		Long: `Serve a folder, or the lessons' files in memory, to real FTP clients: the engine is
the one that the simulator runs. Anonymous reads; users named with --user may write.
It listens on loopback only, unless --listen says otherwise. An interrupt ends it once
the transfers that are going on have ended, a second one at once.`,
		Example: "  ftplab serve --root ~/public --user ann:secret\n  curl ftp://127.0.0.1:2121/pub/readme.txt",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	o.addTo(cmd)
	return cmd
}

func (o *serveOptions) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&o.listen, "listen", []string{ftpnet.DefaultAddress}, "`HOST:PORT` to listen on (repeatable; port 0: any)")
	flags.StringVar(&o.root, "root", "", "`DIR` to serve (default: the lessons' files, in memory)")
	flags.StringArrayVar(&o.users, "user", nil, "`NAME:PASSWORD` of a user who may write (repeatable)")
	flags.BoolVar(&o.noAnonymous, "no-anonymous", false, "refuse anonymous")
	flags.StringVar(&o.pasv, "pasv-ports", "", "`MIN-MAX`: range of passive ports (default: any)")
	flags.StringVar(&o.publicAddress, "public-address", "", "`ADDRESS` that 227 says, for a server behind NAT")
	flags.BoolVar(&o.anyDataPort, "any-data-port", false, "open active data connections from any port, not from the one below the control port")
	flags.BoolVar(&o.allowBounce, "allow-bounce", false, "let PORT name other hosts and low ports: for the lesson about the bounce attack only")
	flags.StringVar(&o.certificate, "tls-certificate", "", "PEM `FILE` (default: a certificate of its own making)")
	flags.StringVar(&o.key, "tls-key", "", "PEM `FILE` of the certificate's key")
	flags.BoolVar(&o.noTLS, "no-tls", false, "do not offer AUTH TLS")
	flags.BoolVar(&o.requireTLS, "require-tls", false, "refuse logins without AUTH TLS")
	flags.IntVar(&o.maxSessions, "max-sessions", 200, "sessions at a time")
	flags.IntVar(&o.maxPerAddress, "max-per-address", 20, "sessions at a time from one address")
	flags.IntVar(&o.maxLoginFailures, "max-login-failures", 3, "failed logins that end a session")
	flags.DurationVar(&o.idle, "idle-timeout", 5*time.Minute, "how long a session may say nothing")
	flags.DurationVar(&o.dataTimeout, "data-timeout", time.Minute, "how long a transfer may stand still")
	flags.DurationVar(&o.shutdown, "shutdown-timeout", 30*time.Second, "how long transfers may go on after an interrupt")
	flags.StringVar(&o.logFormat, "log", "text", "form of the log on standard error: text or json")
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "log every line of the dialogue, without passwords")
}

func (o *serveOptions) run(cmd *cobra.Command) error {
	options, err := o.server(cmd)
	if err != nil {
		return usageError{err}
	}
	server, err := ftpnet.NewServer(options)
	if err != nil {
		return err
	}
	listeners, err := o.listenAll()
	if err != nil {
		return errors.Join(err, server.Close())
	}
	for _, l := range listeners {
		fmt.Fprintf(cmd.OutOrStdout(), "serving ftp://%s/\n", l.Addr())
	}
	return o.serve(cmd.Context(), server, listeners)
}

// serve runs until an interrupt, or until a listener fails.
func (o *serveOptions) serve(ctx context.Context, server *ftpnet.Server, listeners []net.Listener) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { ended <- server.Serve(l) }()
	}
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-ended:
	}
	stop() // a second interrupt kills
	patience, cancel := context.WithTimeout(context.Background(), o.shutdown)
	defer cancel()
	if err := server.Shutdown(patience); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		failure = errors.Join(failure, err)
	}
	if errors.Is(failure, ftpnet.ErrServerClosed) {
		return nil
	}
	return failure
}

func (o *serveOptions) listenAll() ([]net.Listener, error) {
	var listeners []net.Listener
	for _, address := range o.listen {
		l, err := ftpnet.Listen(address)
		if err != nil {
			for _, open := range listeners {
				err = errors.Join(err, open.Close())
			}
			return nil, err
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// server turns the flags into the server's options.
func (o *serveOptions) server(cmd *cobra.Command) (ftpnet.ServerOptions, error) {
	options := ftpnet.ServerOptions{Root: o.root, NoTLS: o.noTLS, MaxSessions: o.maxSessions, MaxPerAddress: o.maxPerAddress}
	config, err := o.engine()
	if err != nil {
		return options, err
	}
	options.Config = config
	if o.noTLS && o.requireTLS {
		return options, errors.New("--no-tls and --require-tls contradict each other")
	}
	if (o.certificate == "") != (o.key == "") {
		return options, errors.New("--tls-certificate and --tls-key belong together")
	}
	if o.certificate != "" {
		pair, err := tls.LoadX509KeyPair(o.certificate, o.key)
		if err != nil {
			return options, fmt.Errorf("the certificate cannot be used: %w", err)
		}
		options.Certificate = &pair
	}
	if err := oneOf("log", o.logFormat, "text", "json"); err != nil {
		return options, err
	}
	level := slog.LevelInfo
	if o.verbose {
		level = slog.LevelDebug
	}
	var handler slog.Handler = slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level})
	if o.logFormat == "json" {
		handler = slog.NewJSONHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level})
	}
	options.Log = slog.New(handler)
	return options, nil
}

// engine turns the flags into the engine's configuration.
func (o *serveOptions) engine() (*ftp.ServerConfig, error) {
	config := ftp.DefaultServerConfig()
	config.Anonymous = !o.noAnonymous
	config.DataPort20 = !o.anyDataPort
	config.AllowBounce = o.allowBounce
	config.RequireTLS = o.requireTLS
	config.MaxLoginFailures = o.maxLoginFailures
	config.IdleTimeout, config.DataTimeout = o.idle, o.dataTimeout
	for _, user := range o.users {
		name, password, ok := strings.Cut(user, ":")
		if !ok || name == "" || password == "" {
			return nil, errors.New("--user is not of the form NAME:PASSWORD")
		}
		config.Users = append(config.Users, ftp.User{Name: name, Password: password, MayWrite: true})
	}
	if o.publicAddress != "" {
		address, err := netip.ParseAddr(o.publicAddress)
		if err != nil || !address.Is4() {
			return nil, fmt.Errorf("--public-address %q is not an IPv4 address", o.publicAddress)
		}
		config.PasvAddress = address
	}
	var err error
	config.PasvMinPort, config.PasvMaxPort, err = portRange(o.pasv)
	return &config, err
}

// portRange reads MIN-MAX, or one port; "" is 0-0, any.
func portRange(text string) (low, high uint16, err error) {
	if text == "" {
		return 0, 0, nil
	}
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	first, err1 := strconv.ParseUint(from, 10, 16)
	last, err2 := strconv.ParseUint(to, 10, 16)
	if err1 != nil || err2 != nil || first == 0 || last < first {
		return 0, 0, fmt.Errorf("--pasv-ports %q is not a range of ports such as 50000-50009", text)
	}
	return uint16(first), uint16(last), nil
}
