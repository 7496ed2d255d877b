package cli

import (
	"io"
	"os"
)

// terminalPath opens the console of this process, to read from.
const terminalPath = "CONIN$"

// promptTo is where questions are put: a console that is opened to read from
// takes none.
func (a *app) promptTo(*os.File) io.Writer { return a.errOut }
