package report_test

import (
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

func TestGrid(t *testing.T) {
	g := report.Grid{
		Header: []string{"", "NAME", "EMPTY", "STATE"},
		Rows: [][]report.Cell{
			{{Text: "*", Mood: report.Good}, {Text: "one\x1b[31m"}, {}, {Text: "bad", Mood: report.Bad}},
			{{}, {Text: "two"}, {}, {Text: "soon", Mood: report.Doubtful}},
		},
	}
	for colors, want := range map[report.Colors]string{
		false: "    NAME            STATE\n*   one\\u001b[31m   bad\n    two             soon\n",
		true:  "    NAME            STATE\n\x1b[32m*\x1b[0m   one\\u001b[31m   \x1b[31mbad\x1b[0m\n    two             \x1b[33msoon\x1b[0m\n",
	} {
		var out strings.Builder
		if err := g.Write(&out, colors); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("colours %t: got\n%q\nwant\n%q", colors, out.String(), want)
		}
	}
}

func TestWriteKindIsHarmless(t *testing.T) {
	kind := map[string]string{"name": "\x1b[31m<\u202e\U000e0001"}
	for name, tt := range map[string]struct {
		write func(*strings.Builder) error
		want  string
	}{
		"JSON": {func(w *strings.Builder) error { return report.WriteJSON(w, kind) }, "{\n  \"name\": \"\\u001b[31m<\\u202e\\udb40\\udc01\"\n}\n"},
		"YAML": {func(w *strings.Builder) error { return report.WriteYAML(w, kind) }, "name: \"\\u001b[31m<\\u202e\\U000e0001\"\n"},
	} {
		var out strings.Builder
		if err := tt.write(&out); err != nil {
			t.Fatal(err)
		}
		if out.String() != tt.want {
			t.Errorf("%s: got %q, want %q", name, out.String(), tt.want)
		}
	}
}
