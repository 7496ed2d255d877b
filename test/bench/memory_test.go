//go:build e2e

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// peak returns the peak memory of a command in MiB.
func peak(b *testing.B, args ...string) float64 {
	b.Helper()
	// What a process has at its start counts for its child too: so a small one
	// stands between.
	cmd := exec.Command(os.Args[0], "-test.run", "^TestPeak$", "-test.v")
	cmd.Env = append(os.Environ(), "BENCH_PEAK="+strings.Join(args, " "))
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	var kibi float64
	for line := range strings.Lines(string(out)) {
		_, _ = fmt.Sscanf(line, "peak %g", &kibi)
	}
	return kibi / 1024
}

// TestPeak runs a command and prints its peak memory in KiB.
func TestPeak(t *testing.T) {
	args := strings.Fields(os.Getenv("BENCH_PEAK"))
	if len(args) == 0 {
		return // it is a benchmark's
	}
	cmd := exec.Command(args[0], args[1:]...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	fmt.Printf("peak %d\n", cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
}
