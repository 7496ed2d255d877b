// These tests promise that advice travels with an error and changes nothing
// else about it.
package hint_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

func TestOf(t *testing.T) {
	advised := hint.Wrap(fs.ErrExist, "use --force")
	tests := []struct {
		name  string
		input error
		want  string
	}{
		{"no error", nil, ""},
		{"no advice", fs.ErrExist, ""},
		{"wrapped", advised, "use --force"},
		{"new", hint.New("it is there", "use --force"), "use --force"},
		{"deep inside", fmt.Errorf("writing: %w", fmt.Errorf("again: %w", advised)), "use --force"},
		{"among others", errors.Join(fs.ErrClosed, advised), "use --force"},
		{"the nearest to the cause", hint.Wrap(fmt.Errorf("writing: %w", advised), "do something"), "use --force"},
		{"empty advice hides none", hint.Wrap(hint.Wrap(fs.ErrExist, ""), "use --force"), "use --force"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := hint.Of(tt.input); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestWrapKeepsTheError(t *testing.T) {
	if err := hint.Wrap(nil, "use --force"); err != nil {
		t.Errorf("advice made an error out of none: %v", err)
	}
	err := hint.Wrap(fmt.Errorf("writing: %w", fs.ErrExist), "use --force")
	if !errors.Is(err, fs.ErrExist) {
		t.Error("the cause is lost")
	}
	if err.Error() != "writing: file already exists" {
		t.Errorf("the words changed: %q", err)
	}
}
