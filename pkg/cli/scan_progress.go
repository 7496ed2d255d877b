package cli

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

// scanProgress tells a person at a terminal what is being read, once that takes
// longer than a glance.
type scanProgress struct {
	app     *app
	found   *inventory.Collector
	total   int
	mu      sync.Mutex
	pending []string
	ended   chan struct{}
	gone    chan struct{}
}

// How long nothing is shown, and how often what is shown changes.
const (
	progressDelay    = 500 * time.Millisecond
	progressInterval = 100 * time.Millisecond
)

func (a *app) startScanProgress(sources []scan.Source, found *inventory.Collector) *scanProgress {
	p := &scanProgress{app: a, found: found, total: len(sources), ended: make(chan struct{}), gone: make(chan struct{})}
	for _, s := range sources {
		p.pending = append(p.pending, s.Name)
	}
	if !a.errIsTerminal {
		close(p.gone)
		return p
	}
	go p.show()
	return p
}

// done takes a source off the line.
func (p *scanProgress) done(source string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.pending, source); i >= 0 {
		p.pending = slices.Delete(p.pending, i, i+1)
	}
}

// stop takes the line away.
func (p *scanProgress) stop() {
	close(p.ended)
	<-p.gone
}

func (p *scanProgress) show() {
	defer close(p.gone)
	shown := false
	timer := time.NewTimer(progressDelay)
	defer timer.Stop()
	for {
		select {
		case <-p.ended:
			if shown {
				fmt.Fprint(p.app.errOut, "\r\x1b[K")
			}
			return
		case <-timer.C:
			shown = true
			// Not wider than any terminal: a line that wraps cannot be taken back.
			fmt.Fprintf(p.app.errOut, "\r%.78s\x1b[K", p.line())
			timer.Reset(progressInterval)
		}
	}
}

func (p *scanProgress) line() string {
	count := p.found.Count()
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("Read %d of %d sources, %d certificates; reading %s",
		p.total-len(p.pending), p.total, count, strings.Join(p.pending, ", "))
}
