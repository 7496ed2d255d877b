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
		Short: "Merge kubeconfigs into yours without losing entries",
		Long: `Merge kubeconfigs into yours, or into another one with --into, without losing
entries; - is standard input. Identical entries are merged; two different
entries with the same name are a conflict.

--on-conflict resolves conflicts:
  fail     change nothing, and list the conflicts
  rename   import the incoming entry under a new name, with its references
  keep     keep the existing entry
  replace  use the incoming entry
On a terminal you are asked, unless the flag is set.

What would run a program, send local data elsewhere or trust another server
requires confirmation: exec credential plugins, auth providers, proxies, servers
that are not verified, and the like. Without a terminal it is refused unless its
--allow flag is set.`,
		Example: a.examples(
			"%s kubeconfig merge new.kubeconfig",
			"# Preview the changes",
			"%s kubeconfig merge new.kubeconfig --on-conflict rename --dry-run",
			"# Directly from issue",
			"%s issue admin --out - | %s kubeconfig merge -"),
		Args: need(1, 0, "the files to merge"),
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
						a.say("warning: user %s of %s has a certificate, but no private key: if it answers your request, use %s accept instead\n", user.Name, in.Name(), a.program)
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
	cmd.Flags().StringVar(&into, "into", "", "Kubeconfig `FILE` to merge into, instead of yours")
	cmd.Flags().StringVar(&onConflict, "on-conflict", string(kubeconfig.Fail), "`ACTION` on name conflicts: "+joinResolutions())
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
		return nil, hint.New(fmt.Sprintf("reading kubeconfig %s: it is empty", d.Name()), "the command that wrote it may have failed")
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
		a.say("  [r]ename the incoming one, [k]eep the existing one, re[p]lace it, or [a]bort? ")
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
