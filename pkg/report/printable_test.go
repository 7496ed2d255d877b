// These tests promise that nothing out of a certificate reaches a terminal as
// anything but text, and what each output format looks like.
package report_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

var printables = []struct {
	name, input, want string
}{
	{"plain", "CN=alice, O=devs", "CN=alice, O=devs"},
	{"empty", "", ""},
	{"other scripts", "Åsa 李小龙 привет עברית", "Åsa 李小龙 привет עברית"},
	{"signs", "√ ‼ × 💥 é", "√ ‼ × 💥 é"},
	{"what looks like an escape", `\u001b[31m`, `\u001b[31m`},
	{"escape sequence", "a\x1b[31mred", `a\u001b[31mred`},
	{"line breaks", "a\nb\rc\u2028d\u0085e", `a\u000ab\u000dc\u2028d\u0085e`},
	{"tab and bell", "a\tb\a", `a\u0009b\u0007`},
	{"delete and backspace", "a\x7f\b", `a\u007f\u0008`},
	{"NUL", "a\x00b", `a\u0000b`},
	{"C1 control", "a\u009b31mred", `a\u009b31mred`},
	{"bidirectional override", "a\u202egpj.exe", `a\u202egpj.exe`},
	{"bidirectional isolate", "\u2066a\u2069", `\u2066a\u2069`},
	{"zero width", "ad\u200bmin\ufeff", `ad\u200bmin\ufeff`},
	{"a space that is none", "a\u00a0b\u3000c", `a\u00a0b\u3000c`},
	{"invisible tag", "a\U000e0041", `a\U000e0041`},
	{"private use", "a\ue000", `a\ue000`},
	{"no UTF-8", "a\xffb\xc3", `a\xffb\xc3`},
	{"C1 as a byte", "a\x9b31m", `a\x9b31m`},
	{"replacement character", "a\ufffd", `a\ufffd`},
}

func TestPrintable(t *testing.T) {
	for _, tt := range printables {
		t.Run(tt.name, func(t *testing.T) {
			if got := report.Printable(tt.input); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// hostile finds what must not be printed: by Unicode's categories here, where
// Printable goes by what unicode.IsPrint allows.
func hostile(r rune) bool {
	return r == utf8.RuneError || (r != ' ' && unicode.In(r, unicode.C, unicode.Z))
}

func FuzzPrintable(f *testing.F) {
	for _, tt := range printables {
		f.Add(tt.input)
	}
	f.Fuzz(func(t *testing.T, input string) {
		got := report.Printable(input)
		if strings.ContainsFunc(got, hostile) || !utf8.ValidString(got) {
			t.Errorf("%q became %q, which is harmful", input, got)
		}
		if again := report.Printable(got); again != got {
			t.Errorf("%q became %q, and that %q", input, got, again)
		}
		if !strings.ContainsFunc(input, func(r rune) bool { return hostile(r) || !unicode.IsPrint(r) }) && got != input {
			t.Errorf("harmless %q became %q", input, got)
		}
	})
}
