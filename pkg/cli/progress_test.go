package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// The summary adds up, whatever became of each, and failures are told with
// their advice, harmlessly.
func TestProgress(t *testing.T) {
	var said bytes.Buffer
	p := (&app{errOut: &said}).newProgress(6)
	p.add("alice", issuedNow, nil)
	p.add("bob", complete, nil)
	p.add("carol", completed, nil)
	p.add("dave", issuedNow, hint.New("no \x1b[2J", "mend it"))
	p.add("eve", complete, errors.New("down"))
	p.end()
	if got, want := p.summary(), "6 users: 1 issued, 1 completed, 1 unchanged, 2 failed, 1 not done"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if p.left() != 3 {
		t.Errorf("%d left, want 3", p.left())
	}
	if got := said.String(); !strings.Contains(got, "failed: dave: no ") || !strings.Contains(got, " (mend it)\n") || !strings.Contains(got, "failed: eve: down\n") || strings.Contains(got, "\x1b") {
		t.Errorf("said %q", got)
	}
}

// On a terminal there is a line that goes away again.
func TestProgressLine(t *testing.T) {
	var said bytes.Buffer
	p := (&app{errOut: &said, errIsTerminal: true}).newProgress(2)
	p.add("alice", issuedNow, nil)
	p.add("bob", issuedNow, errors.New("down"))
	p.end()
	for _, want := range []string{"\r[===============               ] 1 of 2", "failed: bob: down\n", "2 of 2, 1 failed"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it does not say %q: %q", want, said.String())
		}
	}
	if !strings.HasSuffix(said.String(), " \r") {
		t.Errorf("the line stays: %q", said.String())
	}
}
