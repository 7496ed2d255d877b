//go:build unix

package kubeconfig_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

func TestModeWhateverTheUmask(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o777} {
		t.Run(fmt.Sprintf("%03o", umask), func(t *testing.T) {
			dir := t.TempDir()
			defer syscall.Umask(syscall.Umask(umask))
			file := reserve(t, filepath.Join(dir, "config"), false)
			for _, e := range entries(t, dir) {
				if info, err := e.Info(); err != nil || info.Mode()&0o177 != 0 {
					t.Errorf("while it is reserved: %s, %v", e, err)
				}
			}
			if err := file.Commit([]byte("new")); err != nil {
				t.Fatal(err)
			}
			checkFile(t, filepath.Join(dir, "config"), "new")
		})
	}
}

func entries(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestReserveRefusesWhereNobodyCanWrite(t *testing.T) {
	const path = "/proc/self/config" // not even root
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		t.Skip(err)
	}
	file, err := kubeconfig.Reserve(path, false)
	if err == nil {
		file.Discard()
		t.Fatal("got no error")
	}
	checkError(t, err, "writing "+path+": no such file or directory")
}

// crashDir names the directory in which the child of TestKilledAtAnyMoment
// writes.
const crashDir = "KUBECONFIG_TEST_CRASH_DIR"

// Killed at any moment, what stands there is one of the whole versions.
func TestKilledAtAnyMoment(t *testing.T) {
	if dir := os.Getenv(crashDir); dir != "" {
		writeUntilKilled(dir)
	}
	const kills = 25
	dir := t.TempDir()
	write(t, filepath.Join(dir, "config"), string(wholeVersion(0)), 0o600)
	random := rand.New(rand.NewPCG(1, 2))
	for range kills {
		killWriter(t, dir, random)
		checkCrashed(t, dir)
	}
}

// writeUntilKilled replaces one file and makes others, and says so each time.
func writeUntilKilled(dir string) {
	for n := byte(0); ; n++ {
		commit := func(name string, replace bool) {
			file, err := kubeconfig.Reserve(filepath.Join(dir, name), replace)
			if err == nil {
				err = file.Commit(wholeVersion(n))
			}
			if err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
		}
		commit("config", true)
		commit(fmt.Sprintf("new-%d-%d", os.Getpid(), n), false)
		fmt.Println("written")
	}
}

// killWriter lets a child write for a while that is as likely to end at one
// point of its cycle as at another.
func killWriter(t *testing.T, dir string, random *rand.Rand) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestKilledAtAnyMoment$")
	child.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	written := func() time.Time {
		if !lines.Scan() || lines.Text() != "written" {
			t.Fatalf("the child ended: %s", lines.Text())
		}
		return time.Now()
	}
	start := written()
	cycle := written().Sub(start)
	<-time.After(time.Duration(random.Int64N(int64(cycle))))
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
}

// checkCrashed looks at what a killed child left, and clears away what it was
// not done with.
func checkCrashed(t *testing.T, dir string) {
	t.Helper()
	for _, e := range entries(t, dir) {
		path := filepath.Join(dir, e.Name())
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
		if !strings.HasPrefix(e.Name(), ".") {
			if data, err := os.ReadFile(path); err != nil || !isWhole(data) {
				t.Errorf("%s is not whole: %d bytes, %v", e.Name(), len(data), err)
			}
		}
		if e.Name() != "config" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "config")); err != nil {
		t.Errorf("the file is gone: %v", err)
	}
}
