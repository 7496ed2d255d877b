package cli

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

func (a *app) newKubeconfigMerge(g *globals) *cobra.Command {
	var into, onConflict string
	var dryRun *bool
	var allowed allowances
	cmd := &cobra.Command{
		Use:   "merge FILE...",
		Short: "Merge kubeconfigs into yours, and lose nothing",
		Long: `Merge kubeconfigs into yours, or into another one with --into; - is standard
input. Nothing is dropped or renamed unless you say so: entries that mean the
same are one, and a name that means two different things is a conflict.

--on-conflict says what becomes of a conflict:
  fail     change nothing, and list the conflicts
  rename   they are different things: the one that comes gets another name, and
           what refers to it follows; both stay usable
  keep     they are the same thing, and mine is the newer one
  replace  they are the same thing, and theirs is the newer one
On a terminal you are asked, unless you have said it.

What would run a program, send what is here elsewhere or trust somebody else is
shown, and asked about: a program that a user runs (exec), an auth provider, a
proxy, a server that is not verified, and the like. Where nobody can be asked, it
is refused unless its --allow flag is given.`,
		Example: a.examples(
			"%s kubeconfig merge new.kubeconfig",
			"# See first what it would do",
			"%s kubeconfig merge new.kubeconfig --on-conflict rename --dry-run",
			"# Straight from where it is made",
			"%s issue admin --out - | %s kubeconfig merge -"),
		Args: need(1, 0, "which files to merge"),
		RunE: func(cmd *cobra.Command, args []string) error {
			answers := sync.OnceValue(a.answers)
			policy, err := a.conflictPolicy(cmd.Context(), onConflict, cmd.Flags().Changed("on-conflict"), answers)
			if err != nil {
				return err
			}
			incoming, err := a.readAll(args)
			if err != nil {
				return err
			}
			for _, in := range incoming {
				for _, user := range in.Entries(kubeconfig.UserEntry) {
					if user.LacksKey() {
						a.say("warning: user %s of %s has a certificate, but no key: if it answers your request, use %s accept instead\n", user.Name, in.Name(), a.program)
					}
				}
			}
			files := a.files(g)
			if into != "" {
				files = kubeconfig.Locate(into, "", "")
			}
			m := &merger{a, incoming, policy, &gate{app: a, allowed: allowed, answers: answers}}
			return m.run(cmd.Context(), files, *dryRun)
		},
	}
	cmd.Flags().StringVar(&into, "into", "", "Kubeconfig to merge into, instead of yours")
	cmd.Flags().StringVar(&onConflict, "on-conflict", string(kubeconfig.Fail), "When a name means two things: "+joinResolutions())
	allowed = allowFlags(cmd.Flags(), kubeconfig.TakenCodes()...)
	dryRun = dryRunFlag(cmd.Flags())
	_ = cmd.RegisterFlagCompletionFunc("on-conflict", cobra.FixedCompletions(resolutionNames(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return cmd
}

// merger merges several kubeconfigs into one.
type merger struct {
	app      *app
	incoming []*kubeconfig.Document
	policy   kubeconfig.ConflictPolicy
	gate     *gate
}

func (m *merger) run(ctx context.Context, files kubeconfig.Files, dryRun bool) error {
	var taken []kubeconfig.Taken
	err := m.app.updateAndSay(ctx, kubeconfig.Update{Files: files}, dryRun, func(c *kubeconfig.Config) (all []kubeconfig.Change, err error) {
		taken = nil
		for _, in := range m.incoming {
			changes, err := c.Merge(in, m.policy)
			if err != nil {
				return nil, fmt.Errorf("merging %s: %w", in.Name(), err)
			}
			all = append(all, changes...)
			taken = append(taken, c.Taken(in, changes)...)
		}
		if dryRun {
			return all, nil
		}
		return all, m.gate.pass(ctx, taken)
	})
	if dryRun && err == nil {
		for _, t := range taken {
			m.app.say("warning: %s\n", t.Text)
		}
	}
	return err
}

func resolutionNames() []string {
	var names []string
	for _, r := range kubeconfig.Resolutions() {
		names = append(names, string(r))
	}
	return names
}

func joinResolutions() string { return strings.Join(resolutionNames(), ", ") }

// readAll reads kubeconfigs; - is standard input.
func (a *app) readAll(paths []string) ([]*kubeconfig.Document, error) {
	var all []*kubeconfig.Document
	for _, path := range paths {
		d, err := a.readOne(path)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func (a *app) readOne(path string) (*kubeconfig.Document, error) {
	d, err := func() (*kubeconfig.Document, error) {
		if path == "-" {
			return kubeconfig.ReadFrom(a.in)
		}
		return kubeconfig.Read(path)
	}()
	if err != nil {
		return nil, err
	}
	if d.Empty() {
		return nil, hint.New(fmt.Sprintf("reading kubeconfig %s: it is empty", d.Name()), "was it made by a command that failed?")
	}
	return d, nil
}

// conflictPolicy is what --on-conflict says; asking, where it says nothing and
// there is somebody to ask.
func (a *app) conflictPolicy(ctx context.Context, text string, given bool, answers func() <-chan string) (kubeconfig.ConflictPolicy, error) {
	resolution := kubeconfig.Resolution(text)
	if !slices.Contains(kubeconfig.Resolutions(), resolution) {
		return nil, hint.New(fmt.Sprintf("unknown --on-conflict %q", text), "use one of "+joinResolutions())
	}
	if given || !a.inIsTerminal {
		return kubeconfig.Always(resolution), nil
	}
	decided := map[string]kubeconfig.Resolution{}
	return func(c kubeconfig.Conflict) (kubeconfig.Resolution, error) {
		// The merge is made twice, first to see what it would do.
		question := c.String()
		if answer, ok := decided[question]; ok {
			return answer, nil
		}
		answer, err := a.ask(ctx, c, answers())
		decided[question] = answer
		return answer, err
	}, nil
}

// answers are the lines that a person types, as they come.
func (a *app) answers() <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(a.in); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	return lines
}

// ask lets a person resolve a conflict.
func (a *app) ask(ctx context.Context, c kubeconfig.Conflict, answers <-chan string) (kubeconfig.Resolution, error) {
	a.say("%s\n", c)
	for {
		a.say("  [r]ename theirs, [k]eep mine, re[p]lace mine, or [a]bort? ")
		var answer string
		var more bool
		select {
		case <-ctx.Done():
			a.say("\n")
			return "", ctx.Err()
		case answer, more = <-answers:
		}
		if !more {
			a.say("\n")
			return "", hint.New("no answer", "nothing was changed")
		}
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "r", "rename":
			return kubeconfig.Rename, nil
		case "k", "keep":
			return kubeconfig.Keep, nil
		case "p", "replace":
			return kubeconfig.Replace, nil
		case "a", "abort":
			return "", hint.New("aborted", "nothing was changed")
		}
	}
}
