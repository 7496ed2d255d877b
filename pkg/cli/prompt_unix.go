//go:build !windows

package cli

// terminalPath opens the terminal of this process.
const terminalPath = "/dev/tty"
