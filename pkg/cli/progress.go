package cli

import (
	"fmt"
	"strings"
	"sync"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// outcome is what became of one of many.
type outcome int

const (
	issuedNow outcome = iota // a certificate was issued
	completed                // something else was missing
	complete                 // nothing was missing
	failed
)

// progress counts what becomes of many, and shows it where a person looks.
type progress struct {
	app    *app
	all    int
	mu     sync.Mutex
	counts [failed + 1]int
	line   int // the width of the line that stands on the terminal
}

func (a *app) newProgress(all int) *progress {
	return &progress{app: a, all: all}
}

// add counts one, and says what went wrong with it.
func (p *progress) add(name string, done outcome, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		done = failed
		p.clear()
		advice := hint.Of(err)
		if advice != "" {
			advice = " (" + advice + ")"
		}
		p.app.say("failed: %s: %s%s\n", name, err, advice)
	}
	p.counts[done]++
	if !p.app.errIsTerminal {
		return
	}
	const width = 30
	served := p.served()
	bar := strings.Repeat("=", width*served/p.all) + strings.Repeat(" ", width-width*served/p.all)
	text := fmt.Sprintf("[%s] %d of %d", bar, served, p.all)
	if p.counts[failed] > 0 {
		text += fmt.Sprintf(", %d failed", p.counts[failed])
	}
	p.app.say("\r%s", text)
	p.line = len(text)
}

func (p *progress) served() int {
	total := 0
	for _, n := range p.counts {
		total += n
	}
	return total
}

// clear takes the line away.
func (p *progress) clear() {
	if p.line > 0 {
		p.app.say("\r%s\r", strings.Repeat(" ", p.line))
		p.line = 0
	}
}

// end takes the line away for good.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

// left is how many were not let in.
func (p *progress) left() int {
	return p.all - p.counts[issuedNow] - p.counts[completed] - p.counts[complete]
}

// summary says what became of all.
func (p *progress) summary() string {
	parts := []string{fmt.Sprintf("%d issued", p.counts[issuedNow])}
	for _, more := range []struct {
		n    int
		said string
	}{
		{p.counts[completed], "completed"},
		{p.counts[complete], "unchanged"},
		{p.counts[failed], "failed"},
		{p.all - p.served(), "not done"},
	} {
		if more.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", more.n, more.said))
		}
	}
	return count(p.all, "user") + ": " + strings.Join(parts, ", ")
}
