package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/issue"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// installCredential moves the certificate of a context's user out of the
// kubeconfig into a file of its own, and lets the user log in by this program.
func (a *app) installCredential(ctx context.Context, g *globals, f credentialFlags) error {
	files := a.ownFiles(g)
	config, err := kubeconfig.Load(files)
	if err != nil {
		return err
	}
	name := flagValue(g.kubectl.Context)
	if name == "" {
		name = config.Current()
	}
	if name == "" {
		return hint.New("the kubeconfig has no current context", "name the context with --context")
	}
	entry, err := config.Find(kubeconfig.ContextEntry, name)
	if err != nil {
		return err
	}
	user := entry.Text("user")
	if e, ok := config.Exec(user); ok && len(e.Args) > 0 && e.Args[0] == kubeconfig.CredentialCommand {
		return hint.New(fmt.Sprintf("context %q already authenticates with this plugin", name), fmt.Sprintf("see: %s credential --context %s | jq .status.expirationTimestamp", a.program, shellQuote(name)))
	}
	login, err := config.Credential(user)
	if err != nil {
		return err
	}
	pair, err := kubeconfig.NewPair(login.Certificate, login.Key)
	if err != nil {
		return fmt.Errorf("the credentials of user %q: %w", user, err)
	}
	// What can never be renewed would only stop working later.
	if _, err := issue.Renewal(pair.Leaf, 0, pki.ECDSAP256, f.timeout); err != nil {
		return err
	}
	program, err := a.allowedCommand(g)
	if err != nil {
		return err
	}
	if f.file, err = a.pairPath(f.file, name); err != nil {
		return err
	}
	there := isThere(f.file)
	if err := pair.Write(f.file, f.force); err != nil {
		return err
	}
	_, err = kubeconfig.InstallExec(ctx, files, user, kubeconfig.Exec{
		Command: program, Args: f.args(), InstallHint: "kubectl-certs is required to authenticate: kubectl krew install certs",
	}, a.now)
	if err != nil {
		if !there {
			_ = os.Remove(f.file) // the kubeconfig still has it
		}
		return fmt.Errorf("setting up context %q for this plugin: %w", name, err)
	}
	fprintf(a.out, "Context %s now authenticates with a self-renewing certificate, in %s\n", name, f.file)
	kubeconfigFlag := ""
	if explicit := flagValue(g.kubectl.KubeConfig); explicit != "" {
		kubeconfigFlag = "--kubeconfig " + shellQuote(explicit) + " "
	}
	a.say("It renews itself as long as its user may request and approve certificates; otherwise another user renews it: %s renew %s --context OTHER\n", a.program, shellQuote(name))
	a.say("If kuberc has a credentialPluginAllowlist, add: - command: %q\n", program)
	a.say("Try it: kubectl %s--context %s auth whoami\n", kubeconfigFlag, shellQuote(name))
	return nil
}

// pairPath is the file that the certificate and its key go to.
func (a *app) pairPath(file, contextName string) (string, error) {
	if file == "" {
		dir, err := a.keyDir()
		if err != nil {
			return "", err
		}
		file = filepath.Join(dir, fileName(contextName)+".pem")
	}
	// kubectl runs the command from wherever it is itself.
	return filepath.Abs(file)
}

// args are what kubectl is to run the command with.
func (f credentialFlags) args() []string {
	args := []string{kubeconfig.CredentialCommand, kubeconfig.CredentialFile + f.file}
	if f.renewBefore != 0 {
		args = append(args, "--renew-before="+f.renewBefore.String())
	}
	if f.wait {
		args = append(args, "--wait", "--timeout="+f.timeout.String())
	}
	return args
}

// allowedCommand is how kubectl is to run this program, if its preferences let it:
// a context whose login they do not allow could not be used any more. An
// allowlist can name it as it stands in the kubeconfig.
func (a *app) allowedCommand(g *globals) (string, error) {
	program, err := ownCommand()
	if err != nil {
		return "", err
	}
	policy, err := a.pluginPolicy(g)
	if err != nil {
		return "", err
	}
	if err := policy.Check(program); err != nil {
		return "", fmt.Errorf("nothing was changed: %w", err)
	}
	return program, nil
}

// ownCommand is how other programs find this one: by name if that leads here,
// so that it is still found after an upgrade.
func ownCommand() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program: %w", err)
	}
	const name = "kubectl-certs"
	if found, err := exec.LookPath(name); err == nil {
		a, errA := os.Stat(found)
		b, errB := os.Stat(self)
		if errA == nil && errB == nil && os.SameFile(a, b) {
			return name, nil
		}
	}
	return self, nil
}
