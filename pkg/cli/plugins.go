package cli

import (
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
)

// connection is how every cluster is connected to.
func (a *app) connection(g *globals) (cluster.Options, error) {
	plugins, err := a.pluginPolicy(g)
	if err != nil {
		return cluster.Options{}, err
	}
	return cluster.Options{UserAgent: "kubectl-certs/" + version, Warnings: warnings{a}, Plugins: plugins}, nil
}

// pluginPolicy says which credential plugins kubectl would run for this person.
func (a *app) pluginPolicy(g *globals) (*cluster.PluginPolicy, error) {
	if strings.EqualFold(a.getenv("KUBECTL_KUBERC"), "false") { // kubectl's own switch for all of it
		return cluster.UnlimitedPlugins(), nil
	}
	return cluster.ReadPluginPolicy(g.kuberc)
}

// withoutPlugins is how a cluster is connected to by what is not to run anything.
func (a *app) withoutPlugins() cluster.Options {
	return cluster.Options{UserAgent: "kubectl-certs/" + version, Warnings: warnings{a}}
}

// warnOfKuberc says what kubectl would say of its preferences, where they
// matter; c is nil where there is no connection.
func (a *app) warnOfKuberc(c *cluster.Cluster, plugins *cluster.PluginPolicy) {
	if c != nil && c.Config.ExecProvider != nil && plugins.Warning != "" {
		a.say("warning: %s\n", plugins.Warning)
	}
}
