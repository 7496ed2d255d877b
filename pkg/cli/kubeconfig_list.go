package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

// listFormats are the formats of list, in the order that help lists them.
var listFormats = []struct {
	name  string
	write func(io.Writer, *kubeconfig.ContextList, report.Colors) error
}{
	{"table", func(w io.Writer, l *kubeconfig.ContextList, c report.Colors) error {
		return contextTable(l, false).Write(w, c)
	}},
	{"wide", func(w io.Writer, l *kubeconfig.ContextList, c report.Colors) error {
		return contextTable(l, true).Write(w, c)
	}},
	{"json", func(w io.Writer, l *kubeconfig.ContextList, _ report.Colors) error { return report.WriteJSON(w, l) }},
	{"yaml", func(w io.Writer, l *kubeconfig.ContextList, _ report.Colors) error { return report.WriteYAML(w, l) }},
	{"name", func(w io.Writer, l *kubeconfig.ContextList, _ report.Colors) error {
		for _, c := range l.Items {
			printLine(w, c.Name)
		}
		return nil
	}},
}

func listFormatNames() string {
	var names []string
	for _, f := range listFormats {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

func (a *app) newKubeconfigList(g *globals) *cobra.Command {
	var output string
	var ping, exec bool
	cmd := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List contexts and certificate expiry",
		Long: `List the contexts with their cluster, server, user and namespace, the way the
user authenticates, and the expiry of the certificate. The current context is
marked.

With --ping, every server is asked, in parallel, for the user name of the
caller. Users with an exec credential plugin are skipped, since that would run
the program: --exec runs it, if kubectl's preferences (kuberc) allow it.`,
		Example: a.examples(
			"%s kubeconfig list",
			"# Which servers are reachable, and who am I there?",
			"%s kubeconfig list --ping",
			"# Which certificates have expired?",
			"%s kubeconfig list -o json | jq -r '.items[] | select(.certificate.status == \"expired\") | .name'"),
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			colors, err := a.colors(g.color)
			if err != nil {
				return err
			}
			if exec && !ping {
				return hint.New("--exec requires --ping", "add --ping")
			}
			for _, f := range listFormats {
				if f.name != output {
					continue
				}
				c, err := a.contexts(g)
				if err != nil {
					return err
				}
				list := c.List(a.now())
				if ping {
					a.pingAll(cmd.Context(), g, list.Items, exec)
				}
				if len(list.Items) == 0 && (output == "table" || output == "wide") {
					a.say("The kubeconfig has no contexts\n")
					return nil
				}
				return f.write(a.out, list, colors)
			}
			return hint.New(fmt.Sprintf("unknown output format %q", output), "use one of "+listFormatNames())
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "Output `FORMAT`: "+listFormatNames())
	cmd.Flags().BoolVar(&ping, "ping", false, "Ask every server for the user name of the caller")
	cmd.Flags().BoolVar(&exec, "exec", false, "With --ping: also run exec credential plugins")
	return cmd
}

func contextTable(list *kubeconfig.ContextList, wide bool) report.Grid {
	g := report.Grid{Header: []string{"", "NAME", "CLUSTER", "SERVER", "USER", "NAMESPACE", "AUTH", "CERTIFICATE", "LEFT", "PING"}}
	if wide {
		g.Header = append(g.Header, "EXPIRES", "ISSUER", "FILE")
	}
	for _, c := range list.Items {
		g.Rows = append(g.Rows, contextRow(c, list.TakenAt, wide))
	}
	return g
}

func contextRow(c kubeconfig.Context, now time.Time, wide bool) []report.Cell {
	mark := ""
	if c.Current {
		mark = "*"
	}
	row := []report.Cell{{Text: mark, Mood: report.Good}}
	for _, text := range []string{c.Name, c.Cluster, c.Server, c.User, c.Namespace, authText(c.Auth)} {
		row = append(row, report.Cell{Text: text})
	}
	subject, expires, issuer := "", "", ""
	left := report.Cell{}
	if cert := c.Certificate; cert != nil {
		subject = strings.Join(append([]string{"CN=" + cert.CommonName}, prefixed("O=", cert.Organizations)...), ", ")
		expires, issuer = cert.NotAfter.Format("2006-01-02 15:04 MST"), cert.Issuer
		left = leftCell(*cert, now)
	}
	if len(c.Problems) > 0 {
		subject = strings.Join(c.Problems, "; ")
		left = report.Cell{Text: "unusable", Mood: report.Bad}
	}
	row = append(row, report.Cell{Text: subject}, left, pingCell(c.Ping))
	if wide {
		row = append(row, report.Cell{Text: expires}, report.Cell{Text: issuer}, report.Cell{Text: c.File})
	}
	return row
}

func authText(ways []kubeconfig.Auth) string {
	var names []string
	for _, way := range ways {
		names = append(names, string(way))
	}
	return cmp.Or(strings.Join(names, ", "), string(kubeconfig.ByNothing))
}

func prefixed(prefix string, list []string) []string {
	var out []string
	for _, item := range list {
		out = append(out, prefix+item)
	}
	return out
}

// leftCell says how long a certificate still is good for.
func leftCell(cert kubeconfig.Certificate, now time.Time) report.Cell {
	mood := map[inventory.Status]report.Mood{inventory.Expiring: report.Doubtful, inventory.Expired: report.Bad, inventory.Invalid: report.Bad}[cert.Status]
	switch cert.Status {
	case inventory.Expired:
		return report.Cell{Text: "expired " + humanLeft(now.Sub(cert.NotAfter)) + " ago", Mood: mood}
	case inventory.Invalid:
		return report.Cell{Text: "not yet valid", Mood: mood}
	}
	return report.Cell{Text: humanLeft(cert.NotAfter.Sub(now)), Mood: mood}
}

func pingCell(p *kubeconfig.Ping) report.Cell {
	switch {
	case p == nil:
		return report.Cell{}
	case p.OK:
		return report.Cell{Text: "you are " + p.User, Mood: report.Good}
	case p.Fault == string(cluster.Skipped):
		return report.Cell{Text: p.Error + " (--exec)"}
	}
	return report.Cell{Text: p.Error, Mood: report.Bad}
}

// pingTimeout bounds a ping unless --request-timeout says otherwise.
const pingTimeout = 5 * time.Second

// pingAll asks the servers of contexts, side by side.
func (a *app) pingAll(ctx context.Context, g *globals, contexts []kubeconfig.Context, exec bool) {
	options, err := a.connection(g)
	var pinger *cluster.Pinger
	if err == nil {
		pinger, err = cluster.NewPinger(g.kubectl, options, pingTimeout, exec)
	}
	if exec && err == nil && options.Plugins.Warning != "" {
		a.say("warning: %s\n", options.Plugins.Warning)
	}
	var all sync.WaitGroup
	for i := range contexts {
		all.Go(func() {
			contexts[i].Ping = ping(ctx, pinger, err, contexts[i].Name, a.now)
		})
	}
	all.Wait()
}

// ping asks one server, unless the kubeconfig could not be read for it.
func ping(ctx context.Context, pinger *cluster.Pinger, unread error, name string, now func() time.Time) *kubeconfig.Ping {
	answer := cluster.Answer{Fault: cluster.Unreachable, Err: unread}
	if unread == nil {
		answer = pinger.Ping(ctx, name, now)
	}
	out := &kubeconfig.Ping{OK: answer.Err == nil, User: answer.User, Groups: append([]string{}, answer.Groups...), Fault: string(answer.Fault)}
	if answer.Err != nil {
		out.Error = answer.Err.Error()
	}
	return out
}
