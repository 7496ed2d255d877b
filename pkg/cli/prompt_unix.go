//go:build !windows

package cli

import (
	"io"
	"os"
)

// terminalPath opens the terminal of this process.
const terminalPath = "/dev/tty"

// promptTo is where questions are put: the terminal, even where standard error
// goes elsewhere.
func (a *app) promptTo(terminal *os.File) io.Writer { return terminal }
