//go:build unix

package kubeconfig_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

const (
	// mergeCrashDir names the directory in which the child of
	// TestMergeKilledAtAnyMoment merges.
	mergeCrashDir = "KUBECONFIG_TEST_MERGE_CRASH_DIR"
	// mergeKills is how often it is killed; a thousand times takes minutes.
	mergeKills = "KUBECONFIG_TEST_MERGE_KILLS"
	// fullDiskDir names the directory in which the child of TestFullDisk merges.
	fullDiskDir = "KUBECONFIG_TEST_FULL_DISK_DIR"
)

// Killed at any moment of a merge, the file is the old one or the new one,
// whole, and every merge that was reported is in it.
func TestMergeKilledAtAnyMoment(t *testing.T) {
	if dir := os.Getenv(mergeCrashDir); dir != "" {
		mergeUntilKilled(dir)
	}
	kills := 40
	if text := os.Getenv(mergeKills); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "config")
	random := rand.New(rand.NewPCG(7, 8))
	for range kills {
		write(t, path, mine, 0o600)
		merged := killMerger(t, dir, random)
		checkMerged(t, path, merged)
		clearCrashed(t, dir)
	}
}

// mergeUntilKilled merges one context after the other, and says so each time.
func mergeUntilKilled(dir string) {
	for n := 0; ; n++ {
		_, err := kubeconfig.MergeInto(context.Background(), one(filepath.Join(dir, "config")), contextNamed(fmt.Sprintf("c%d", n)), kubeconfig.Always(kubeconfig.Fail), time.Now)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("merged")
	}
}

// killMerger lets a child merge, kills it somewhere in its third merge, and
// returns how many it has reported.
func killMerger(t *testing.T, dir string, random *rand.Rand) (merged int) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestMergeKilledAtAnyMoment$")
	child.Env = append(os.Environ(), mergeCrashDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	next := func() time.Time {
		if !lines.Scan() || lines.Text() != "merged" {
			t.Fatalf("the child ended: %s", lines.Text())
		}
		merged++
		return time.Now()
	}
	start := next()
	// Most of a merge is the wait at its end, when all is done.
	const wait = 20 * time.Millisecond
	cycle := max(next().Sub(start)-wait, time.Millisecond)
	<-time.After(time.Duration(random.Int64N(int64(cycle))))
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // what it said before it died
		merged++
	}
	_ = child.Wait() // it was killed
	return merged
}

func checkMerged(t *testing.T, path string, merged int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := kubeconfig.Parse(path, string(text))
	if err != nil {
		t.Fatalf("the file is not whole: %v\n%s", err, text)
	}
	for _, e := range parse(t, path, mine).Entries(kubeconfig.ContextEntry) {
		if d.Entry(kubeconfig.ContextEntry, e.Name) == nil {
			t.Errorf("context %s was lost", e.Name)
		}
	}
	for n := range merged {
		if d.Entry(kubeconfig.ContextEntry, fmt.Sprintf("c%d", n)) == nil {
			t.Errorf("merge %d was reported, and is lost", n)
		}
	}
	if got := len(d.Entries(kubeconfig.ContextEntry)); got > merged+2 {
		t.Errorf("%d contexts after %d merges", got, merged)
	}
}

// clearCrashed removes what a crash may leave, and reports what it may not.
func clearCrashed(t *testing.T, dir string) {
	t.Helper()
	for _, e := range entries(t, dir) {
		switch name := e.Name(); {
		case name == "config.lock", name == ".kubectl-certs", strings.HasPrefix(name, ".config.") && strings.HasSuffix(name, ".tmp"):
			info, err := e.Info()
			if err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s may be read by others: %v, %v", name, info, err)
			}
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		case name != "config":
			t.Errorf("a crash left %s behind", name)
		}
	}
}

// A disk that is full costs nothing: the limit on the size of files, which a
// process can set itself, makes writes fail just so.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv(fullDiskDir); dir != "" {
		mergeOnAFullDisk(dir)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "config")
	write(t, path, mine, 0o600)
	child := exec.Command(os.Args[0], "-test.run=^TestFullDisk$")
	child.Env = append(os.Environ(), fullDiskDir+"="+dir)
	out, err := child.CombinedOutput()
	if err != nil || string(out) != "writing "+path+": file too large\n" {
		t.Errorf("%v\n%s", err, out)
	}
	checkFile(t, path, mine)
	checkNames(t, dir, "config")
}

func mergeOnAFullDisk(dir string) {
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: uint64(len(mine)) - 10, Max: uint64(len(mine)) - 10}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	_, err := kubeconfig.MergeInto(context.Background(), one(filepath.Join(dir, "config")), contextNamed("a"), kubeconfig.Always(kubeconfig.Fail), time.Now)
	fmt.Println(err)
	os.Exit(0)
}
