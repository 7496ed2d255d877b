// Runc stands between Docker and the real runc on a machine whose capability
// bounding set lacks CAP_SYS_RESOURCE, as some CI machines' does. `docker run
// --privileged`, which kind uses, asks for every capability the kernel knows,
// and runc fails when one cannot be given. So this takes that one, and the
// negative OOM score that needs it, out of what is asked for, and hands over.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const missing = "CAP_SYS_RESOURCE"

func main() {
	if err := run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "runc wrapper:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	// `create` and `run` name a bundle, whose config.json has the container's
	// process; `exec` names a file that is the process.
	if bundle := flagValue(args, "--bundle", "-b"); bundle != "" {
		err := edit(filepath.Join(bundle, "config.json"), func(spec map[string]any) {
			if process, ok := spec["process"].(map[string]any); ok {
				lessen(process)
			}
		})
		if err != nil {
			return err
		}
	}
	if process := flagValue(args, "--process", "-p"); process != "" {
		if err := edit(process, lessen); err != nil {
			return err
		}
	}
	runc, err := exec.LookPath("runc")
	if err != nil {
		return err
	}
	return syscall.Exec(runc, args, os.Environ())
}

func flagValue(args []string, names ...string) string {
	for i, arg := range args {
		name, value, inline := strings.Cut(arg, "=")
		switch {
		case !slices.Contains(names, name):
		case inline:
			return value
		case i+1 < len(args):
			return args[i+1]
		}
	}
	return ""
}

// lessen takes out of a process what the machine cannot give.
func lessen(process map[string]any) {
	capabilities, _ := process["capabilities"].(map[string]any)
	for set, list := range capabilities {
		if names, ok := list.([]any); ok {
			capabilities[set] = slices.DeleteFunc(names, func(name any) bool { return name == missing })
		}
	}
	if score, _ := process["oomScoreAdj"].(json.Number); strings.HasPrefix(string(score), "-") {
		delete(process, "oomScoreAdj")
	}
}

func edit(path string, change func(map[string]any)) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var content map[string]any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber() // limits of 64 bits would not survive a float
	if err := decoder.Decode(&content); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	change(content)
	if data, err = json.Marshal(content); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}
