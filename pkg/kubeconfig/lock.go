package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
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
type locks []spot

// lockAll locks files against kubectl and against other runs of this program:
// in an order that is the same for all, so that nobody waits for ever. A file
// behind a symbolic link is locked under both its names.
func lockAll(ctx context.Context, paths []string, now func() time.Time) (locks, error) {
	wanted, err := lockSpots(paths)
	defer func() { locks(wanted).close() }()
	if err != nil {
		return nil, err
	}
	var held locks
	for len(wanted) > 0 {
		if err := lock(ctx, wanted[0], now); err != nil {
			held.release()
			return nil, err
		}
		held, wanted = append(held, wanted[0]), wanted[1:]
	}
	return held, nil
}

// lockSpots are where the locks of files are: each once, though two paths lead
// there.
func lockSpots(paths []string) ([]spot, error) {
	byPath := map[string]spot{}
	add := func(path string) error {
		// kubectl would not follow a link in the lock's place either.
		dir, err := hold(filepath.Join(filepath.Dir(path), "."), false)
		if err != nil {
			return cannotWrite(lockName(path), err, lockAdvice)
		}
		defer dir.Close()
		sub, err := dir.enter()
		if err != nil {
			return cannotWrite(lockName(path), err, lockAdvice)
		}
		s := spot{directory: sub, name: filepath.Base(lockName(path))}
		key, err := filepath.Abs(s.path())
		if err != nil {
			key = s.path()
		}
		if _, twice := byPath[key]; twice {
			return sub.Close()
		}
		byPath[key] = s
		return nil
	}
	var err error
	for _, path := range paths {
		if err = add(path); err != nil {
			break
		}
		var target spot
		if target, err = hold(path, false); err != nil {
			err = cannotWrite(path, err, lockAdvice)
			break
		}
		targetPath := target.path()
		target.Close()
		if err = add(targetPath); err != nil {
			break
		}
	}
	var spots []spot
	for _, key := range slices.Sorted(maps.Keys(byPath)) {
		spots = append(spots, byPath[key])
	}
	return spots, err
}

func (l locks) release() {
	for _, s := range l {
		_ = s.remove(s.name)
	}
	l.close()
}

func (l locks) close() {
	for _, s := range l {
		s.Close()
	}
}

const lockAdvice = "kubectl uses the same lock; nothing was changed"

func lock(ctx context.Context, at spot, now func() time.Time) error {
	name := at.path()
	for deadline := now().Add(lockPatience); ; {
		file, err := at.create(at.name)
		if err == nil {
			return file.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return cannotWrite(name, err, lockAdvice)
		}
		there, err := at.stat(at.name)
		if err == nil {
			age := now().Sub(there.modified)
			switch {
			case age > staleAfter:
				return hint.New(fmt.Sprintf("locking the kubeconfig: stale lock %s (age %s)", name, duration.HumanDuration(age)),
					"if no kubectl is writing now, remove it: rm -f "+name)
			case now().After(deadline):
				return hint.New(fmt.Sprintf("locking the kubeconfig: timed out; another program has held %s for %s", name, lockPatience),
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
