//go:build e2e

package e2e

import (
	"os"
	"testing"
)

// maxSize is how large the stripped program may become, in bytes. Two thirds of
// it are client-go's API groups, which every typed client links.
const maxSize = 53 << 20

func TestSize(t *testing.T) {
	info, err := os.Stat("../../build/kubectl-certs")
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxSize {
		t.Errorf("the program has %.1f MiB, more than %d: find what it links with go list -deps ./cmd/kubectl-certs", float64(info.Size())/(1<<20), maxSize>>20)
	}
}
