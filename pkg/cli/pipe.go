package cli

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// outlivePipes keeps a peer that closes its connection from ending the process.
// The kernel sends SIGPIPE for a socket as it does for standard output, and only
// the write that failed knows which of them it was: it fails with EPIPE, and
// that is told apart there. The signal is caught rather than ignored, since a
// program that this one starts would inherit that.
func outlivePipes() {
	// Nobody reads it: what does not fit is dropped.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}

// pipe is standard output or standard error. When its reader has gone away, it
// says so once by calling gone.
type pipe struct {
	file *os.File
	gone func()
}

// Write implements io.Writer.
func (p *pipe) Write(data []byte) (int, error) {
	n, err := p.file.Write(data)
	if errors.Is(err, syscall.EPIPE) {
		p.gone()
	}
	return n, err
}
