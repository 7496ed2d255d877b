// Command mutate changes one operator after another in a package, runs the package's
// own tests against each change, and fails when they notice nothing: a line that may
// say the opposite is not tested. What survives for a reason stands in reasons.tsv.
//
//	mutate -gremlins FILE [-files REGEXP] PACKAGE...
//
// The changes are made, in a copy, by gremlins (github.com/go-gremlins/gremlins). It
// works with the module in the current directory.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	if filepath.Base(os.Args[0]) == "go" {
		if err := asGo(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "mutate:", err)
			os.Exit(1)
		}
		return
	}
	gremlins := flag.String("gremlins", "", "the program `FILE` that mutates")
	files := flag.String("files", "", "only files whose names match `REGEXP`")
	reasons := flag.String("reasons", "test/mutate/reasons.tsv", "the `FILE` with the mutants that may survive")
	flag.Parse()
	if err := run(os.Stdout, *gremlins, *files, *reasons, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

// run mutates each of packages, and fails when a mutant survives that has no reason,
// or a reason has no mutant.
func run(out io.Writer, gremlins, files, reasonsFile string, packages []string) error {
	only, err := regexp.Compile("^(" + files + ")$")
	if err != nil {
		return fmt.Errorf("-files: %w", err)
	}
	text, err := os.ReadFile(reasonsFile)
	if err != nil {
		return err
	}
	kept, err := parseReasons(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", reasonsFile, err)
	}
	failed := false
	for _, dir := range packages {
		dir = filepath.Clean(dir)
		looked, rest, err := split(dir, func(name string) bool { return files == "" || only.MatchString(name) })
		if err != nil {
			return err
		}
		if len(looked) == 0 {
			return fmt.Errorf("%s: no file to mutate", dir)
		}
		found, err := mutate(gremlins, dir, rest)
		if err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		fine, err := report(out, dir, found, looked, kept)
		if err != nil {
			return err
		}
		failed = failed || !fine
	}
	if failed {
		return errors.New("a mutant survived, or a reason is out of date: write the test that kills it, remove the code that nothing needs, or state in " + reasonsFile + " why no test can tell")
	}
	return nil
}

// split returns the Go files of dir that are wanted, and those that are not.
func split(dir string, wanted func(name string) bool) (looked, rest []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		switch name := e.Name(); {
		case e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
		case wanted(name):
			looked = append(looked, filepath.Join(dir, name))
		default:
			rest = append(rest, name)
		}
	}
	return looked, rest, err
}

// output is what gremlins writes.
type output struct {
	Files []struct {
		Name      string     `json:"file_name"`
		Mutations []mutation `json:"mutations"`
	} `json:"files"`
}

// mutation is one change that gremlins made at an operator.
type mutation struct {
	Type   string `json:"type"`
	Status string `json:"status"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// mutate runs gremlins in the package at dir, but not in the files of exclude.
func mutate(gremlins, dir string, exclude []string) (*output, error) {
	result, err := os.CreateTemp("", "mutants-*.json")
	if err != nil {
		return nil, err
	}
	result.Close()
	defer os.Remove(result.Name())
	// One worker: a test that waits for a processor is a test that times out, and
	// that counts as killed.
	args := []string{"unleash", "--invert-logical", "--workers", "1", "--timeout-coefficient", "20", "--output", result.Name()}
	for _, name := range exclude {
		args = append(args, "--exclude-files", "^"+regexp.QuoteMeta(name)+"$")
	}
	command := exec.Command(gremlins, append(args, "./"+dir)...)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	// Short tests leave out what runs through random cases: chance must not decide
	// what is tested. The rest makes the many builds quicker.
	env, remove, err := wrap()
	if err != nil {
		return nil, err
	}
	defer remove()
	command.Env = append(env, "GOFLAGS=-short -vet=off -trimpath -ldflags=-w")
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("gremlins: %w", err)
	}
	text, err := os.ReadFile(result.Name())
	if err != nil {
		return nil, err
	}
	found := &output{}
	if err := json.Unmarshal(text, found); err != nil {
		return nil, fmt.Errorf("what gremlins wrote: %w", err)
	}
	return found, nil
}
