package cli

import (
	"io"
	"os"
	"testing"

	"k8s.io/klog/v2"
)

// What client-go logs does not come between a person and the one sentence that
// says what went wrong.
func TestQuietLog(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = write
	defer func() { os.Stderr = stderr }()
	quietLog()
	klog.ErrorS(io.ErrUnexpectedEOF, "Unexpected error when reading response body")
	klog.Flush()
	write.Close()
	if said, err := io.ReadAll(read); err != nil || len(said) > 0 {
		t.Errorf("it said %q (%v)", said, err)
	}
}
