package cli

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// What a stranger wrote is harmless, and no longer than a person reads, with its
// beginning and its end.
func TestMessagesAreBrief(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"short", "no such file", "no such file"},
		{"hostile", "a\x1b[2Jb\nerror: c\u202e", `a\u001b[2Jb\u000aerror: c\u202e`},
		{"as long as it may be", strings.Repeat("n", maxText), strings.Repeat("n", maxText)},
		{"longer", "context " + strings.Repeat("n", 1<<20) + " does not exist", " … (1044503 bytes left out) … "},
		{"of other letters", strings.Repeat("ж", 1<<20), "bytes left out"},
		{"of broken letters", strings.Repeat("\xd0", 1<<20), "bytes left out"},
		{"of control characters", strings.Repeat("\x1b", 1<<20), "bytes left out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			fprintf(&out, "%s", errors.New(tt.text))
			got := out.String()
			if !strings.Contains(got, tt.want) || len(got) > 7*maxText || !utf8.ValidString(got) {
				t.Errorf("%d bytes, %.200q, without %q", len(got), got, tt.want)
			}
			if strings.HasPrefix(tt.text, "context") && (!strings.HasPrefix(got, "context nnn") || !strings.HasSuffix(got, "nnn does not exist")) {
				t.Errorf("%.50q ... is not its beginning and end", got)
			}
		})
	}
}
