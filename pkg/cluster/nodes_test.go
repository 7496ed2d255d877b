package cluster

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

// way is one way to dial, in a test.
type way struct {
	conn net.Conn
	err  error
	// after is closed when the dial may end; nil for at once.
	after chan struct{}
	// began is closed when the dial begins.
	began chan struct{}
}

func (w *way) dial(context.Context) (net.Conn, error) {
	close(w.began)
	if w.after != nil {
		<-w.after
	}
	return w.conn, w.err
}

// closing is a connection that tells when it is closed.
type closing struct {
	net.Conn
	closed chan struct{}
}

func (c closing) Close() error {
	close(c.closed)
	return nil
}

func opens() *way {
	return &way{conn: closing{closed: make(chan struct{})}, began: make(chan struct{})}
}

func fails(text string) *way {
	return &way{err: errors.New(text), began: make(chan struct{})}
}

func (w *way) never() *way {
	w.after = make(chan struct{})
	return w
}

// forever is a head start that no test waits for.
const forever = time.Hour

func TestRace(t *testing.T) {
	tests := []struct {
		name          string
		headStart     time.Duration
		first, second *way
		want          string // which wins, or the error
		secondTried   bool
	}{
		{"the first is quick", forever, opens(), opens(), "first", false},
		{"the first fails at once", forever, fails("refused"), opens(), "second", true},
		{"the first is slow", 0, opens().never(), opens(), "second", true},
		{"both fail", forever, fails("refused"), fails("forbidden"), "refused; by port-forward: forbidden", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := race(t.Context(), test.headStart, test.first.dial, test.second.dial)
			switch {
			case err != nil && err.Error() != test.want,
				err == nil && test.want == "first" && got != test.first.conn,
				err == nil && test.want == "second" && got != test.second.conn,
				err == nil && test.want != "first" && test.want != "second":
				t.Errorf("got %v, %v; want %s", got, err, test.want)
			}
			select {
			case <-test.second.began:
				if !test.secondTried {
					t.Error("the second was tried")
				}
			default:
				if test.secondTried {
					t.Error("the second was not tried")
				}
			}
		})
	}
}

// The connection that comes too late does not stay open.
func TestRaceClosesTheLoser(t *testing.T) {
	first, second := opens().never(), opens()
	if conn, err := race(t.Context(), 0, first.dial, second.dial); err != nil || conn != second.conn {
		t.Fatalf("got %v, %v", conn, err)
	}
	close(first.after)
	<-first.conn.(closing).closed
	select {
	case <-second.conn.(closing).closed:
		t.Error("the winner was closed")
	default:
	}
}

// When the caller gives up, so do both.
func TestRaceEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	waits := func(ctx context.Context) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if _, err := race(ctx, forever, waits, waits); !errors.Is(err, context.Canceled) || strings.Count(err.Error(), "canceled") != 2 {
		t.Errorf("error %v", err)
	}
}
