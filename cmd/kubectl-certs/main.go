// Command kubectl-certs is the kubectl plugin `kubectl certs`.
package main

import (
	"os"

	"github.com/kubectl-certs/kubectl-certs/pkg/cli"
)

func main() {
	os.Exit(cli.Main())
}
