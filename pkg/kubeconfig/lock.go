package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

const (
	// lockPatience is how long a writer waits for others. kubectl does not
	// wait at all, and holds its lock for some milliseconds.
	lockPatience = 30 * time.Second
	// lockPause is how long it waits between two looks.
	lockPause = 3 * time.Millisecond
	// staleAfter is the age from which a lock is one that was left behind.
	staleAfter = time.Minute
)

// lockName is kubectl's (client-go, tools/clientcmd/loader.go).
func lockName(path string) string { return path + ".lock" }

// locks are lock files that this process holds.
type locks []string

// lockAll locks files against kubectl and against other runs of this program:
// in an order that is the same for all, so that nobody waits for ever. A file
// behind a symbolic link is locked under both its names.
func lockAll(ctx context.Context, paths []string, now func() time.Time) (locks, error) {
	var names []string
	for _, path := range paths {
		names = append(names, realName(lockName(path)))
		if target, err := filepath.EvalSymlinks(path); err == nil {
			names = append(names, realName(lockName(target)))
		}
	}
	slices.Sort(names)
	var held locks
	for _, name := range slices.Compact(names) {
		if err := lock(ctx, name, now); err != nil {
			held.release()
			return nil, err
		}
		held = append(held, name)
	}
	return held, nil
}

// realName is a file's name in its real directory: two ways to one lock are to
// be seen as one.
func realName(name string) string {
	dir, err := filepath.EvalSymlinks(filepath.Dir(name))
	if err != nil {
		return name // making the lock will say why
	}
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	return filepath.Join(dir, filepath.Base(name))
}

func (l locks) release() {
	for _, name := range l {
		_ = os.Remove(name)
	}
}

func lock(ctx context.Context, name string, now func() time.Time) error {
	for deadline := now().Add(lockPatience); ; {
		file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			return file.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return cannotWrite(name, err, "kubectl needs it too, to change the kubeconfig; nothing was changed")
		}
		info, err := os.Lstat(name)
		if err == nil {
			age := now().Sub(info.ModTime())
			switch {
			case age > staleAfter:
				return hint.New(fmt.Sprintf("locking the kubeconfig: %s is there since %s, left behind by a program that did not end well", name, duration.HumanDuration(age)),
					"if no kubectl is writing at this moment, remove it: rm -f "+name)
			case now().After(deadline):
				return hint.New(fmt.Sprintf("locking the kubeconfig: others have kept %s for %s", name, lockPatience),
					"try again; if no kubectl is writing, remove it: rm -f "+name)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPause):
		}
	}
}
