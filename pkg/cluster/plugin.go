package cluster

import (
	"cmp"
	"fmt"
	"strings"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// PluginError is a credential plugin (exec in a kubeconfig) that did not run, or
// gave no credentials.
type PluginError struct {
	// Command is the program.
	Command string
	reason  error
}

// Error implements error.
func (e *PluginError) Error() string { return e.reason.Error() }

// Unwrap returns the reason, which may carry a hint.
func (e *PluginError) Unwrap() error { return e.reason }

// pluginFault returns a function that recognizes what a plugin's failure looks
// like. client-go has no type for it: the prefix is all that there is
// (plugin/pkg/client/auth/exec/exec.go, roundTripper.RoundTrip).
func pluginFault(plugin *clientcmdapi.ExecConfig, policy *PluginPolicy) func(error) *PluginError {
	return func(err error) *PluginError {
		if err == nil {
			return nil
		}
		text, ok := strings.CutPrefix(err.Error(), "getting credentials: ")
		if !ok {
			return nil
		}
		return &PluginError{plugin.Command, explainPlugin(plugin, policy, text)}
	}
}

// explainPlugin says why a plugin gave no credentials. text is client-go's
// reason; what the plugin itself has to say, it wrote to standard error.
func explainPlugin(plugin *clientcmdapi.ExecConfig, policy *PluginPolicy, text string) error {
	if policy != nil {
		if refusal := policy.Check(plugin.Command); refusal != nil {
			return refusal
		}
	}
	// Behind an empty line stands client-go's own advice.
	reason, _, _ := strings.Cut(text, "\n\n")
	reason = strings.TrimPrefix(reason, "exec: ")
	advice := "its own output, if any, is above; run it separately, or use another context with --context"
	if strings.HasSuffix(reason, " not found") {
		advice = cmp.Or(strings.Join(strings.Fields(plugin.InstallHint), " "), "install it, or use another context with --context")
	}
	return hint.Wrap(fmt.Errorf("the credential plugin %q failed: %s", plugin.Command, reason), advice)
}
