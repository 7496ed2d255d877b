package cli

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// commandsOf returns a program's commands as they are before they run.
func commandsOf(program string) *cobra.Command {
	a := &app{in: strings.NewReader(""), out: io.Discard, errOut: io.Discard, program: program, getenv: func(string) string { return "" }}
	return a.newRoot()
}

// every calls do with each command that a user can see, and its subcommands.
func every(cmd *cobra.Command, do func(*cobra.Command)) {
	if cmd.Hidden {
		return
	}
	do(cmd)
	for _, sub := range cmd.Commands() {
		every(sub, do)
	}
}

// commandLines are the lines of a help text that run this program, as words.
func commandLines(text, program string) [][]string {
	var lines [][]string
	for line := range strings.Lines(text) {
		for part := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == '|' || r == '>' || r == '&' }) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(part), program+" "); ok {
				lines = append(lines, words(rest))
			}
		}
	}
	return lines
}

// words splits as a shell does, as far as examples need it: by spaces outside
// quotation marks.
func words(line string) []string {
	var quote rune
	fields := strings.FieldsFunc(line, func(r rune) bool {
		switch {
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case r == quote:
			quote = 0
		}
		return quote == 0 && r == ' '
	})
	for i := range fields {
		fields[i] = strings.NewReplacer(`"`, "", "'", "").Replace(fields[i])
	}
	return fields
}

// Every example in help is a command line that the program takes.
func TestExamplesAreTaken(t *testing.T) {
	seen := 0
	every(commandsOf("kubectl-certs"), func(cmd *cobra.Command) {
		lines := commandLines(cmd.Example, "kubectl-certs")
		if cmd.HasExample() && len(lines) == 0 {
			t.Errorf("%s: no example runs it", cmd.CommandPath())
		}
		for _, line := range lines {
			seen++
			// A tree of its own: flags keep what was parsed.
			found, rest, err := commandsOf("kubectl-certs").Find(line)
			if err != nil {
				t.Errorf("%s: example %q: %v", cmd.CommandPath(), line, err)
				continue
			}
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("%s: example %q: %v", cmd.CommandPath(), line, err)
				continue
			}
			if err := found.ValidateArgs(found.Flags().Args()); err != nil {
				t.Errorf("%s: example %q: %v", cmd.CommandPath(), line, err)
			}
		}
	})
	if seen < 50 {
		t.Errorf("%d examples were found", seen)
	}
}

// Help is read in a terminal of 80 columns. An example is one line, to be pasted.
func TestHelpFitsATerminal(t *testing.T) {
	every(commandsOf("kubectl-certs"), func(cmd *cobra.Command) {
		if cmd.Short == "" || !strings.HasPrefix(cmd.Long+" ", strings.TrimSpace(cmd.Long)) {
			t.Errorf("%s: no description, or one with space around it", cmd.CommandPath())
		}
		usage := strings.ReplaceAll(cmd.UsageString(), cmd.Example, "")
		for line := range strings.Lines(cmd.Long + "\n" + usage) {
			// Formats are one word, and what a file holds is set off by spaces.
			if width := len([]rune(strings.TrimRight(line, "\n"))); width > 84 && !strings.Contains(line, "jsonpath-file=") && !strings.HasPrefix(line, "  - {") {
				t.Errorf("%s: %d columns: %s", cmd.CommandPath(), width, line)
			}
		}
	})
}
