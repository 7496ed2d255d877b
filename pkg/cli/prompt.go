package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// openTerminal opens the terminal that the person sits at, whatever standard
// input and output are tied to.
func openTerminal() (*os.File, error) {
	tty, err := os.OpenFile(terminalPath, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if !term.IsTerminal(int(tty.Fd())) {
		_ = tty.Close()
		return nil, fmt.Errorf("%s is not a terminal", terminalPath)
	}
	return tty, nil
}

// askSecret asks for something at the terminal that must not be seen. Without
// a terminal, it fails with advice.
func (a *app) askSecret(ctx context.Context, question, advice string) ([]byte, error) {
	tty, err := openTerminal()
	if err != nil {
		return nil, hint.New("there is no terminal to prompt for the "+question, advice)
	}
	defer tty.Close()
	state, err := term.GetState(int(tty.Fd()))
	if err != nil {
		return nil, fmt.Errorf("prompting for the %s: %w", question, err)
	}
	w := a.promptTo(tty)
	fprintf(w, "%s: ", strings.ToUpper(question[:1])+question[1:])
	type answer struct {
		text []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(int(tty.Fd()))
		answers <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		// Nobody may be left with a terminal that does not echo.
		_ = term.Restore(int(tty.Fd()), state)
		fprintf(w, "\n")
		return nil, ctx.Err()
	case got := <-answers:
		fprintf(w, "\n")
		if got.err != nil {
			return nil, fmt.Errorf("prompting for the %s: %w", question, got.err)
		}
		return got.text, nil
	}
}
