package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestConfirm(t *testing.T) {
	tests := []struct {
		name, typed   string
		terminal, yes bool
		want          string // of the error
		asked         bool
	}{
		{name: "yes", typed: "y\n", terminal: true, asked: true},
		{name: "yes, in full", typed: " YES\n", terminal: true, asked: true},
		{name: "no", typed: "n\n", terminal: true, asked: true, want: "not confirmed"},
		{name: "an empty line", typed: "\n", terminal: true, asked: true, want: "not confirmed"},
		{name: "Ctrl-D", terminal: true, asked: true, want: "not confirmed"},
		{name: "something else", typed: "yesterday\n", terminal: true, asked: true, want: "not confirmed"},
		{name: "a script that says so", yes: true},
		{name: "a script that pipes it", typed: "y\n", want: "standard input is not a terminal"},
		{name: "a terminal that need not be asked", terminal: true, yes: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var said bytes.Buffer
			a := &app{in: strings.NewReader(tt.typed), errOut: &said, inIsTerminal: tt.terminal}
			err := a.confirm(t.Context(), "Go on?", tt.yes)
			if tt.want == "" && err != nil {
				t.Errorf("got %v", err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want an error that says %q", err, tt.want)
			}
			if asked := strings.HasPrefix(said.String(), "Go on? [y/N] "); asked != tt.asked {
				t.Errorf("said %q", said.String())
			}
		})
	}
}

// Ctrl-C ends the question.
func TestConfirmInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	never, writer := io.Pipe()
	defer writer.Close()
	a := &app{in: never, errOut: io.Discard, inIsTerminal: true}
	if err := a.confirm(ctx, "Go on?", false); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
