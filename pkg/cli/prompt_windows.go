package cli

// terminalPath opens the console of this process.
const terminalPath = "CONIN$"
