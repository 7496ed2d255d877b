package cluster

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	execplugin "k8s.io/client-go/plugin/pkg/client/auth/exec"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/kubectl/pkg/config"
	"k8s.io/kubectl/pkg/kuberc"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// PluginPolicy says which credential plugins (exec in a kubeconfig) may run, as
// kubectl's own settings do: credentialPluginPolicy and
// credentialPluginAllowlist of kuberc. A nil PluginPolicy allows none.
type PluginPolicy struct {
	// File is the kuberc; "" where it is switched off.
	File string
	// Warning is what kubectl would warn of; "" for nothing.
	Warning string

	policy clientcmdapi.PluginPolicy
}

// ReadPluginPolicy reads the policy from where kubectl would: the file that
// explicit (--kuberc) names, $KUBERC, or ~/.kube/kuberc; $KUBERC=off switches it
// off. As for kubectl, a named file must be there and hold preferences, the
// default one is passed over with a warning where it does not, unknown fields
// are warned of, and a policy that contradicts itself is an error
// (k8s.io/kubectl, pkg/kuberc/kuberc.go, DefaultGetPreferences and Apply).
func ReadPluginPolicy(explicit string) (*PluginPolicy, error) {
	file, _, err := kuberc.LoadKuberc(explicit)
	if err != nil {
		return nil, err
	}
	var warnings bytes.Buffer
	preference, err := kuberc.DefaultGetPreferences(explicit, &warnings)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("reading kubectl's preferences in %s: %w", file, err), "kubectl reads them too: fix the file, or disable it with KUBERC=off")
	}
	p := &PluginPolicy{File: file, Warning: strings.TrimSpace(warnings.String())}
	if preference == nil {
		return p, nil
	}
	p.policy.PolicyType = clientcmdapi.PolicyType(preference.CredentialPluginPolicy)
	if preference.CredentialPluginAllowlist != nil {
		p.policy.Allowlist = make([]clientcmdapi.AllowlistEntry, 0, len(preference.CredentialPluginAllowlist))
	}
	for _, entry := range preference.CredentialPluginAllowlist {
		p.policy.Allowlist = append(p.policy.Allowlist, clientcmdapi.AllowlistEntry(entry))
	}
	if err := p.validate(preference); err != nil {
		return nil, hint.Wrap(fmt.Errorf("kubectl's preferences in %s are invalid: %w", file, err), "kubectl refuses them too: see https://kubernetes.io/docs/reference/kubectl/kuberc/")
	}
	return p, nil
}

// UnlimitedPlugins is the policy where kuberc is switched off as a whole.
func UnlimitedPlugins() *PluginPolicy { return &PluginPolicy{} }

var aliasName = regexp.MustCompile("^[a-zA-Z]+$")

// validate refuses what kubectl refuses, in its other sections too: a kubectl
// with such a file runs no plugin at all (k8s.io/kubectl, pkg/kuberc/kuberc.go,
// validate).
func (p *PluginPolicy) validate(preference *config.Preference) error {
	options := [][]config.CommandOptionDefault{}
	var aliases []string
	for _, alias := range preference.Aliases {
		if !aliasName.MatchString(alias.Name) {
			return fmt.Errorf("alias %q may only consist of letters", alias.Name)
		}
		if slices.Contains(aliases, alias.Name) {
			return fmt.Errorf("duplicate alias name %s", alias.Name)
		}
		aliases = append(aliases, alias.Name)
		options = append(options, alias.Options)
	}
	for _, override := range preference.Defaults {
		options = append(options, override.Options)
	}
	for _, option := range slices.Concat(options...) {
		if strings.HasPrefix(option.Name, "-") {
			return fmt.Errorf("flag name %s should be in long form without dashes", option.Name)
		}
	}
	return execplugin.ValidatePluginPolicy(p.policy)
}

// apply binds a configuration to the policy: client-go asks it before it runs
// a plugin.
func (p *PluginPolicy) apply(config *rest.Config) {
	if config.ExecProvider == nil {
		return
	}
	config.ExecProvider.PluginPolicy = clientcmdapi.PluginPolicy{PolicyType: clientcmdapi.PluginPolicyDenyAll}
	if p != nil {
		config.ExecProvider.PluginPolicy = p.policy
	}
}

// Check returns an error if the policy does not let command run, and nil if it
// does, or if there is no such command to run. It says the same as client-go,
// which is asked when a plugin is about to run
// (plugin/pkg/client/auth/exec/exec.go, updateCommandAndCheckAllowlistLocked).
func (p *PluginPolicy) Check(command string) error {
	switch p.policy.PolicyType {
	case "", clientcmdapi.PluginPolicyAllowAll:
		return nil
	case clientcmdapi.PluginPolicyDenyAll:
		return p.refusal(command, "its credentialPluginPolicy is DenyAll")
	}
	program := filepath.Clean(command)
	resolved, err := exec.LookPath(program)
	for _, entry := range p.policy.Allowlist {
		if entry.Command == program || err == nil && entry.Command == resolved {
			return nil
		}
	}
	if err != nil {
		return nil // nothing can run
	}
	for _, entry := range p.policy.Allowlist {
		if filepath.Base(entry.Command) != filepath.Base(resolved) {
			continue
		}
		if allowed, err := exec.LookPath(entry.Command); err == nil && allowed == resolved {
			return nil
		}
	}
	return p.refusal(command, "it is not on its credentialPluginAllowlist")
}

// refusal says that command may not run, and how to allow it.
func (p *PluginPolicy) refusal(command, why string) error {
	return hint.New(fmt.Sprintf("kubectl's preferences (%s) do not allow the credential plugin %q to run: %s", p.File, command, why), p.Allow(command))
}

// Allow says what is to be added to kuberc so that command may run; "" where
// it may.
func (p *PluginPolicy) Allow(command string) string {
	entry := fmt.Sprintf("{command: %q}", filepath.Clean(command))
	switch p.policy.PolicyType {
	case clientcmdapi.PluginPolicyDenyAll:
		return fmt.Sprintf("if you trust it, say in %s: credentialPluginPolicy: Allowlist and credentialPluginAllowlist: [%s]", p.File, entry)
	case clientcmdapi.PluginPolicyAllowlist:
		return fmt.Sprintf("if you trust it, add to credentialPluginAllowlist in %s: - %s", p.File, strings.Trim(entry, "{}"))
	}
	return ""
}
