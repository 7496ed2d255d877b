// Package cli is the command line: one file a command. It turns flags into
// typed requests, calls the packages below, and alone prints, knows the clock
// and the environment, and decides about exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
)

// app is what the commands share: the streams and the world outside.
type app struct {
	in          io.Reader
	out, errOut io.Writer
	// inIsTerminal says that a person can be asked, outIsTerminal that one
	// reads out.
	inIsTerminal, outIsTerminal bool
	// errIsTerminal says that a person watches what is going on.
	errIsTerminal bool
	// program is what a person types to get here.
	program string
	now     func() time.Time
	getenv  func(string) string
}

// Main runs the command line of this process and returns its exit code.
func Main() int {
	outlivePipes()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer stop()
	// A second Ctrl-C ends the clean-up that the first one began.
	context.AfterFunc(ctx, stop)
	// A reader of the output that goes away ends a command as Ctrl-C does: what
	// it began in the cluster is undone. While that goes on, whatever is said
	// into the closed pipe must not end it.
	ctx, unread := context.WithCancel(ctx)
	defer unread()

	a := &app{
		in: os.Stdin, out: &pipe{os.Stdout, unread}, errOut: &pipe{os.Stderr, unread},
		inIsTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		outIsTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		errIsTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		program:       programName(os.Args[0]),
		now:           time.Now,
		getenv:        os.Getenv,
	}
	return a.run(ctx, os.Args[1:])
}

// outWidth is how many columns standard output has, 0 where it is no terminal.
func (a *app) outWidth() int {
	out, ok := a.out.(*pipe)
	if !ok || !a.outIsTerminal {
		return 0
	}
	width, _, err := term.GetSize(int(out.file.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// programName follows how the program was called: kubectl runs its plugins by
// their full path, a person by name.
func programName(arg0 string) string {
	if filepath.IsAbs(arg0) {
		return "kubectl certs"
	}
	return "kubectl-certs"
}

func (a *app) run(ctx context.Context, args []string) int {
	root := a.newRoot()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.errOut)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	code := exitFailed
	if e, ok := errors.AsType[*exitError](err); ok {
		if code = e.code; e.error == nil {
			return code
		}
	}
	if errors.Is(err, syscall.EPIPE) {
		return exitFailed // nobody reads what went wrong
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = interrupted(err)
	}
	a.sayError(err)
	return code
}

// sayError says what went wrong, and what to do about it.
func (a *app) sayError(err error) {
	a.say("error: %s\n", err)
	if advice := hint.Of(err); advice != "" {
		a.say("hint: %s\n", advice)
	}
}

// exitError ends the program with an exit code of its own. A nil error within
// means that everything was said already.
type exitError struct {
	error
	code int
}

// exit ends the program with code, when everything was said already.
func exit(code int) error { return &exitError{code: code} }

// Error implements error.
func (e *exitError) Error() string {
	if e.error == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.error.Error()
}

func (e *exitError) Unwrap() error { return e.error }

// interrupted says that a person stopped the command, and only what was left
// behind of what it was doing.
func interrupted(err error) error {
	if left, ok := errors.AsType[*issue.LeftPending](err); ok {
		return hint.Wrap(fmt.Errorf("interrupted; %w", left), "nothing was written")
	}
	return hint.New("interrupted", "nothing was written; no objects left in the cluster")
}

// say writes to standard error. What is put into format may come from
// anywhere, and cannot harm the terminal.
func (a *app) say(format string, args ...any) {
	fprintf(a.errOut, format, args...)
}

// fprintf writes format with harmless arguments, for a person: none of them is
// longer than a person reads. A stream that is closed has no reader to tell.
func fprintf(w io.Writer, format string, args ...any) {
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			args[i] = brief(v)
		case error:
			args[i] = brief(v.Error())
		case fmt.Stringer:
			args[i] = brief(v.String())
		}
	}
	_, _ = fmt.Fprintf(w, format, args...)
}

// maxText is how much of one text is shown, in bytes. A certificate, a request
// and a kubeconfig may have names of megabytes; JSON has all of them.
const maxText = 4096

// brief makes text harmless, and leaves out the middle of what is too long:
// names are at its beginning, and reasons at its end.
func brief(text string) string {
	if len(text) <= maxText {
		return report.Printable(text)
	}
	head, tail := text[:maxText*3/4], text[len(text)-maxText/4:]
	head = strings.ToValidUTF8(head, "")
	tail = strings.ToValidUTF8(tail, "")
	return fmt.Sprintf("%s … (%d bytes left out) … %s", report.Printable(head), len(text)-len(head)-len(tail), report.Printable(tail))
}

// printLine writes a line of output for a program: whole, and harmless.
func printLine(w io.Writer, text string) {
	_, _ = io.WriteString(w, report.Printable(text)+"\n")
}
