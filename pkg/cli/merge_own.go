package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

func checkResolution(name string) error {
	if slices.Contains(kubeconfig.Resolutions(), kubeconfig.Resolution(name)) {
		return nil
	}
	return hint.New(fmt.Sprintf("unknown --on-conflict %q", name), "use one of: "+joinResolutions())
}

// ownFiles are the files of the user's own kubeconfig.
func (a *app) ownFiles(g *globals) kubeconfig.Files {
	return kubeconfig.Locate(flagValue(g.kubectl.KubeConfig), a.getenv("KUBECONFIG"), a.home())
}

// home is the user's home directory; "" if the environment names none.
func (a *app) home() string {
	if home := a.getenv("HOME"); home != "" {
		return home
	}
	return a.getenv("USERPROFILE")
}

// mergeTarget is the user's own kubeconfig, and what becomes of conflicts.
type mergeTarget struct {
	files   kubeconfig.Files
	resolve kubeconfig.Resolution
}

// check reports what would keep an identity from being merged, before it is
// issued: only its certificate and key are not known yet.
func (t mergeTarget) check(expected kubeconfig.Identity) error {
	expected.Certificate, expected.Key = []byte("to be issued"), []byte("to be made")
	data, err := kubeconfig.Build(expected)
	if err != nil {
		return err
	}
	in, err := kubeconfig.Parse("", string(data))
	if err != nil {
		return err
	}
	own, err := kubeconfig.Load(t.files)
	if err != nil {
		return err
	}
	if _, err := own.Merge(in, kubeconfig.Always(t.resolve)); err != nil {
		return fmt.Errorf("merging into your kubeconfig: %w", err)
	}
	return nil
}

// mergeOwn merges a kubeconfig into the user's own, and says what that did.
func (a *app) mergeOwn(ctx context.Context, into mergeTarget, data []byte) error {
	changes, err := kubeconfig.MergeInto(ctx, into.files, data, kubeconfig.Always(into.resolve), a.now)
	if err != nil {
		return fmt.Errorf("merging into your kubeconfig: %w", err)
	}
	for _, change := range changes {
		fprintf(a.out, "%s\n", change)
	}
	if len(changes) == 0 {
		fprintf(a.out, "Your kubeconfig already has it\n")
	}
	return nil
}
