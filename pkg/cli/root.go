package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/klog/v2"

	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// globals are the flags that every command takes.
type globals struct {
	kubectl *genericclioptions.ConfigFlags
	color   string
	kuberc  string
}

func (a *app) newRoot() *cobra.Command {
	klog.SetLogFilter(logFilter{}) // before anything can be logged
	g := &globals{kubectl: genericclioptions.NewConfigFlags(true)}
	root := &cobra.Command{
		Use:   "kubectl-certs",
		Short: "Inspect, check and issue the certificates of a Kubernetes cluster",
		Long: `Inspect, check and issue the certificates of a Kubernetes cluster, and manage
kubeconfigs, using only access to its API.`,
		Example: a.examples(
			"# Which certificates does this cluster use, and when do they expire?",
			"%s inspect",
			"# A kubeconfig for an administrator, valid for a day",
			"%s issue admin --name alice"),
		Annotations:      map[string]string{cobra.CommandDisplayNameAnnotation: a.program},
		SilenceErrors:    true,
		SilenceUsage:     true,
		Args:             a.noSuchCommand,
		PersistentPreRun: func(*cobra.Command, []string) { quietLog() },
		RunE:             func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	g.register(root.PersistentFlags())
	_ = root.RegisterFlagCompletionFunc("context", a.contextNames(g, 0)) // the flag is there
	root.SetUsageTemplate(usageTemplate)
	root.Version = version
	root.SetVersionTemplate("kubectl-certs {{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(flagError)
	for _, group := range []struct {
		title    string
		commands []*cobra.Command
	}{
		{"See and check", []*cobra.Command{a.newInspect(g), a.newCheck(g)}},
		{"People and components", []*cobra.Command{
			a.newIssue(g), a.newRequest(), a.newAccept(g), a.newCSR(g), a.newApprove(g), a.newDeny(g),
			a.newUsers(g), a.newRenew(g), a.newOffboard(g),
		}},
		{"Kubeconfigs", []*cobra.Command{a.newKubeconfig(g), a.newCredential(g)}},
		{"This program", []*cobra.Command{a.newOptions(), a.newVersion(), a.newReadFiles()}},
	} {
		root.AddGroup(&cobra.Group{ID: group.title, Title: group.title + ":"})
		for _, command := range group.commands {
			command.GroupID = group.title
			root.AddCommand(command)
		}
	}
	return root
}

func (g *globals) register(flags *pflag.FlagSet) {
	g.kubectl.AddFlags(flags)
	flags.StringVar(&g.color, "color", "auto", "Color the output: auto (on a terminal, unless NO_COLOR is set), always or never")
	flags.StringVar(&g.kuberc, "kuberc", "", "`FILE` with kubectl's preferences, which include the policy for credential plugins (default: $KUBERC, or ~/.kube/kuberc)")
	flags.AddFlag(logFlag())
}

// flagError says where to look a flag up.
func flagError(cmd *cobra.Command, err error) error {
	return hint.Wrap(err, "see: "+cmd.CommandPath()+" --help")
}

// noSuchCommand explains an argument that is no command.
func (a *app) noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	advice := "see: " + a.program + " --help"
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		advice = fmt.Sprintf("did you mean: %s %s", a.program, near[0])
	}
	return hint.New(fmt.Sprintf("unknown command %q", args[0]), advice)
}

// noArguments refuses arguments of a command that takes none.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return hint.New(fmt.Sprintf("%s takes no arguments, not %q", cmd.CommandPath(), args[0]), "see: "+cmd.CommandPath()+" --help")
}

// newOptions shows the flags that all commands share, as `kubectl options`
// does, so that each command's help is about that command.
func (a *app) newOptions() *cobra.Command {
	return &cobra.Command{
		Use:   "options",
		Short: "List the flags inherited by all commands",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(a.out, "Every command takes these flags:\n\n%s", cmd.InheritedFlags().FlagUsages())
			return err
		},
	}
}

// usageTemplate is cobra's, without the inherited flags and for 80 columns.
const usageTemplate = `Usage:{{if .HasAvailableSubCommands}}
  {{.CommandPath}} COMMAND [flags]{{else}}
  {{.UseLine}}{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

{{if .Groups}}{{$commands := .Commands}}{{range $i, $group := .Groups}}{{if $i}}

{{end}}{{$group.Title}}{{range $commands}}{{if and (eq .GroupID $group.ID) .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{else}}Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{end}}{{if and .HasParent .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}{{end}}

kubectl's own flags (--context, --kubeconfig, --as, --request-timeout ...) work
here too: see "{{.Root.CommandPath}} options".
`

// examples indents lines for cobra's help and puts the program's name in.
func (a *app) examples(lines ...string) string {
	return "  " + strings.ReplaceAll(strings.Join(lines, "\n  "), "%s", a.program)
}

// connect returns the cluster that the flags choose, and says so if the
// caller's certificate does not last.
func (a *app) connect(g *globals) (*cluster.Cluster, error) {
	c, err := a.connectQuietly(g)
	if err == nil {
		a.warnOfExpiry(c)
	}
	return c, err
}

// connectQuietly is connect for commands that show the certificate anyway.
func (a *app) connectQuietly(g *globals) (*cluster.Cluster, error) {
	options, err := a.connection(g)
	if err != nil {
		return nil, err
	}
	c, err := cluster.Connect(g.kubectl, options)
	a.warnOfKuberc(c, options.Plugins)
	return c, err
}

// warnings shows what the API server warns of, once each.
type warnings struct{ *app }

// HandleWarningHeader implements rest.WarningHandler.
func (w warnings) HandleWarningHeader(code int, _ string, text string) {
	const miscPersistent = 299 // the only code that API servers send
	if code == miscPersistent && text != "" {
		w.say("warning: %s\n", text)
	}
}
