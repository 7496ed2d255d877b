package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/tools/cover"
)

// gremlins leaves out what lies in no covered block of a coverage profile. The
// conditions of "case" and of "else if" lie in no block at all, so that half of what
// a judge says would never be tried. Therefore gremlins runs this program as its go
// command: it runs the real one, and then counts what lies between the blocks as
// covered, too.

// realGo is the variable of the environment that names the real go command.
const realGo = "MUTATE_GO"

// wrap makes a directory with a go command that is this program, and returns the
// environment in which it is found first. remove takes it away.
func wrap() (env []string, remove func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	program, err := exec.LookPath("go")
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "mutate-*")
	if err != nil {
		return nil, nil, err
	}
	remove = func() { os.RemoveAll(dir) }
	if err := os.Symlink(self, filepath.Join(dir, "go")); err != nil {
		remove()
		return nil, nil, err
	}
	return append(os.Environ(), realGo+"="+program, "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH")), remove, nil
}

// asGo is the go command that gremlins sees. It returns only where it could not be
// that, or has written a profile.
func asGo(args []string) error {
	program := os.Getenv(realGo)
	i := slices.Index(args, "-coverprofile")
	if i < 0 || i+1 >= len(args) {
		// In place of this process, so that gremlins can end it.
		return syscall.Exec(program, append([]string{"go"}, args...), os.Environ())
	}
	command := exec.Command(program, args...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return err
	}
	return fillGaps(args[i+1])
}

// fillGaps writes a coverage profile anew: covered is all that does not lie in a
// block that no test reached.
func fillGaps(path string) error {
	profiles, err := cover.ParseProfiles(path)
	if err != nil {
		return err
	}
	out := "mode: set\n"
	for _, p := range profiles {
		line, column := 1, 1
		slices.SortFunc(p.Blocks, func(a, b cover.ProfileBlock) int {
			return cmp.Or(cmp.Compare(a.StartLine, b.StartLine), cmp.Compare(a.StartCol, b.StartCol))
		})
		gap := func(endLine, endColumn int) {
			if line < endLine || line == endLine && column < endColumn {
				out += fmt.Sprintf("%s:%d.%d,%d.%d 1 1\n", p.FileName, line, column, endLine, endColumn)
			}
		}
		for _, b := range p.Blocks {
			if b.Count > 0 {
				continue
			}
			gap(b.StartLine, b.StartCol-1)
			out += fmt.Sprintf("%s:%d.%d,%d.%d 1 0\n", p.FileName, b.StartLine, b.StartCol, b.EndLine, b.EndCol)
			line, column = b.EndLine, b.EndCol
		}
		gap(1_000_000, 1)
	}
	return os.WriteFile(path, []byte(strings.TrimSuffix(out, "\n")+"\n"), 0o600)
}
