package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"ftplab/sim/ftp"
	"ftplab/sim/ftp/ftpnet"
)

// clientOptions are the flags that `get`, `put` and `ls` have in common.
type clientOptions struct {
	mode                             string
	tls, insecure, verbose, progress bool
	authorities                      string
}

func (o *clientOptions) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.mode, "mode", "", "pasv (or passive), epsv, port (or active), eprt (default: epsv, then pasv)")
	flags.BoolVar(&o.tls, "tls", false, "AUTH TLS first, as with ftpes:// URLs")
	flags.BoolVarP(&o.insecure, "insecure", "k", false, "take any certificate")
	flags.StringVar(&o.authorities, "ca", "", "PEM `FILE` of who may have signed the certificate (default: whom the system trusts)")
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "show the dialogue on standard error")
}

func newGetCommand() *cobra.Command {
	var o clientOptions
	var resume bool
	cmd := &cobra.Command{
		Use:     "get URL [FILE]",
		Short:   "Fetch a file over FTP, with the client of the lessons on real sockets",
		Example: "  ftplab get ftp://127.0.0.1:2121/pub/readme.txt\n  ftplab get --mode port ftp://host/file - | sha256sum",
		Args:    argumentRange(1, 2, "URL [FILE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			request, err := o.request(args[0])
			if err != nil {
				return usageError{err}
			}
			local := path.Base(request.Target.Path)
			if len(args) == 2 {
				local = args[1]
			}
			if local == "." || local == "/" {
				return usageError{errors.New("the URL names no file: name a FILE, or use ftplab ls")}
			}
			request.Resume = resume
			return o.transfer(cmd, request, local, func(ctx context.Context) (*ftp.Result, error) {
				return request.Get(ctx, local, cmd.OutOrStdout())
			})
		},
	}
	o.addTo(cmd)
	cmd.Flags().BoolVarP(&o.progress, "progress", "p", true, "show progress on a terminal")
	cmd.Flags().BoolVarP(&resume, "continue", "c", false, "continue a file that is there in part")
	return cmd
}

func newPutCommand() *cobra.Command {
	var o clientOptions
	var resume bool
	cmd := &cobra.Command{
		Use:     "put URL FILE",
		Short:   "Send a file over FTP, with the client of the lessons on real sockets",
		Long:    "Send a file (\"-\": standard input) to a URL. A URL that ends in / is a directory: the file keeps its name.",
		Example: "  ftplab put ftp://ann:secret@127.0.0.1:2121/incoming/ notes.txt",
		Args:    argumentRange(2, 2, "URL FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			url, local := args[0], args[1]
			if !strings.Contains(url, "://") && strings.Contains(local, "://") {
				url, local = local, url // as cp and scp have it
			}
			request, err := o.request(url)
			if err != nil {
				return usageError{err}
			}
			if request.Target.Path == "" || strings.HasSuffix(request.Target.Path, "/") {
				if local == "-" {
					return usageError{errors.New("standard input has no name: the URL must name a file")}
				}
				request.Target.Path += path.Base(local)
			}
			request.Resume = resume
			return o.transfer(cmd, request, local, func(ctx context.Context) (*ftp.Result, error) {
				return request.Put(ctx, local, cmd.InOrStdin())
			})
		},
	}
	o.addTo(cmd)
	cmd.Flags().BoolVarP(&o.progress, "progress", "p", true, "show progress on a terminal")
	cmd.Flags().BoolVarP(&resume, "continue", "c", false, "continue a file that is there in part")
	return cmd
}

func newListCommand() *cobra.Command {
	var o clientOptions
	var names bool
	cmd := &cobra.Command{
		Use:     "ls URL",
		Short:   "List a directory over FTP, with the client of the lessons on real sockets",
		Example: "  ftplab ls ftp://127.0.0.1:2121/pub",
		Args:    exactArgs(1, "URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			request, err := o.request(args[0])
			if err != nil {
				return usageError{err}
			}
			o.watch(cmd, request)
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			listing, _, err := request.List(ctx, names)
			if err != nil {
				return failedSession(err)
			}
			_, err = cmd.OutOrStdout().Write(listing)
			return err
		},
	}
	o.addTo(cmd)
	cmd.Flags().BoolVarP(&names, "names", "1", false, "names alone (NLST)")
	return cmd
}

// request reads a URL and the flags.
func (o *clientOptions) request(url string) (*ftpnet.Request, error) {
	target, err := ftpnet.ParseURL(url)
	if err != nil {
		return nil, err
	}
	target.TLS = target.TLS || o.tls
	request := &ftpnet.Request{Target: target, InsecureSkipVerify: o.insecure}
	if o.mode != "" {
		if request.Mode, err = ftp.ParseMode(o.mode); err != nil {
			return nil, err
		}
	}
	if o.authorities != "" {
		pem, err := os.ReadFile(o.authorities)
		if err != nil {
			return nil, fileError(o.authorities, err)
		}
		request.RootCAs = x509.NewCertPool()
		if !request.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: there is no PEM certificate in it", o.authorities)
		}
	}
	return request, nil
}

// watch shows the dialogue, if that is wanted.
func (o *clientOptions) watch(cmd *cobra.Command, request *ftpnet.Request) {
	if !o.verbose {
		return
	}
	request.Dialogue = func(line string, sent bool) {
		arrow := "S ←"
		if sent {
			arrow = "C →"
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s %s\n", arrow, line)
	}
}

// transfer moves one file and shows how far it is.
func (o *clientOptions) transfer(cmd *cobra.Command, request *ftpnet.Request, local string, move func(context.Context) (*ftp.Result, error)) error {
	o.watch(cmd, request)
	bar := newProgressBar(cmd.ErrOrStderr(), path.Base(local), o.progress && !o.verbose)
	request.Progress = bar.moved
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	_, err := move(ctx)
	bar.end()
	return failedSession(err)
}

// failedSession ends the command with status 1 if the server or the network is to
// blame, with 2 if the arguments are.
func failedSession(err error) error {
	var failed *ftpnet.SessionError
	if errors.As(err, &failed) {
		return notHeldError{text: err.Error()}
	}
	return err
}

// argumentRange asks for low to high arguments and says which.
func argumentRange(low, high int, names string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < low || len(args) > high {
			return usageError{fmt.Errorf("want %s, not %d arguments", names, len(args))}
		}
		return nil
	}
}
