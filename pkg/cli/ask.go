package cli

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// confirm asks the person at the terminal whether to go on, and returns an
// error unless they say so. yes is the answer of a script, which is needed
// where there is no terminal.
func (a *app) confirm(ctx context.Context, question string, yes bool) error {
	if yes {
		return nil
	}
	if !a.inIsTerminal {
		return hint.New("this needs to be confirmed, and standard input is not a terminal", "review the above, and pass --yes to skip confirmation")
	}
	a.say("%s [y/N] ", question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.in).ReadString('\n')
		answer <- line
	}()
	select {
	case <-ctx.Done():
		a.say("\n")
		return ctx.Err()
	case line := <-answer:
		if !strings.HasSuffix(line, "\n") {
			a.say("\n") // Ctrl-D leaves the cursor there
		}
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return nil
		}
	}
	return hint.New("not confirmed", "nothing was done")
}

// count renders a number with its noun: "1 request", "2 requests".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
