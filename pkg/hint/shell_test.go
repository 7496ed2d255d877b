package hint_test

import (
	"os/exec"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// A shell reads back what was written, and runs nothing of it.
func TestShellWord(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell")
	}
	for _, word := range []string{"alice", "", "a b", "it's", "$(exit 1)", "`exit 1`", `"`, `\`, "a;b", "a\nb", "-n", "*", "~", "x=y"} {
		out, err := exec.Command(shell, "-c", "printf %s "+hint.ShellWord(word)).Output()
		if word == "-n" {
			out, err = exec.Command(shell, "-c", "printf -- '%s' "+hint.ShellWord(word)).Output()
		}
		if err != nil || string(out) != word {
			t.Errorf("%q comes back as %q (%v)", word, out, err)
		}
	}
}
