package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
)

// allowances are what a kubeconfig from elsewhere may bring along without a
// question.
type allowances map[kubeconfig.TakenCode]*bool

// allowWhat says what each flag lets in.
var allowWhat = map[kubeconfig.TakenCode]string{
	kubeconfig.TakenExec:         "programs that users run to authenticate (exec)",
	kubeconfig.TakenAuthProvider: "auth providers",
	kubeconfig.TakenProxy:        "proxies (proxy-url)",
	kubeconfig.TakenInsecure:     "servers that are not verified (insecure-skip-tls-verify)",
	kubeconfig.TakenServerName:   "other names to verify servers for (tls-server-name)",
	kubeconfig.TakenTokenFile:    "files whose contents are sent as tokens (tokenFile)",
	kubeconfig.TakenHTTP:         "servers without https",
	kubeconfig.TakenOwnUser:      "contexts that send the credentials of your own users to a new cluster",
}

// allowFlags adds a flag --allow-CODE for each code.
func allowFlags(flags *pflag.FlagSet, codes ...kubeconfig.TakenCode) allowances {
	allowed := allowances{}
	for _, code := range codes {
		allowed[code] = flags.Bool("allow-"+string(code), false, "Accept "+allowWhat[code]+" without confirmation")
	}
	return allowed
}

// missing are those of all that no flag allows.
func (f allowances) missing(all []kubeconfig.Taken) []kubeconfig.Taken {
	var allowed []kubeconfig.TakenCode
	for code, given := range f {
		if *given {
			allowed = append(allowed, code)
		}
	}
	return kubeconfig.MissingTaken(all, allowed)
}

// gate lets nothing be taken over that a person has not agreed to.
type gate struct {
	app     *app
	allowed allowances
	answers func() <-chan string
	agreed  []string // what was agreed to, in full
}

// pass shows what is taken over and asks about it, unless a flag allows it.
// Where nobody can be asked, it is refused. It may be called again for the same
// things, and does not ask again.
func (g *gate) pass(ctx context.Context, all []kubeconfig.Taken) error {
	missing := slices.DeleteFunc(g.allowed.missing(all), func(t kubeconfig.Taken) bool { return slices.Contains(g.agreed, inFull(t)) })
	if len(missing) == 0 {
		return nil
	}
	if !g.app.inIsTerminal {
		return refuseTaken(missing)
	}
	for _, taken := range missing {
		g.app.say("! %s\n", taken.Text)
		for _, line := range taken.Details {
			g.app.say("    %s\n", line)
		}
	}
	g.app.say("Accept this? Only if you trust its sender [y/N] ")
	select {
	case <-ctx.Done():
		g.app.say("\n")
		return ctx.Err()
	case answer := <-g.answers():
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "y", "yes":
			for _, taken := range missing {
				g.agreed = append(g.agreed, inFull(taken))
			}
			return nil
		}
	}
	return hint.New("not confirmed", "nothing was changed")
}

func inFull(t kubeconfig.Taken) string {
	return strings.Join(append([]string{string(t.Code), t.Text}, t.Details...), "\n")
}

// refuseTaken says what was not taken over, and which flags would allow it.
func refuseTaken(missing []kubeconfig.Taken) error {
	const most = 5
	var texts, flags []string
	for _, taken := range missing {
		if len(texts) < most {
			texts = append(texts, taken.Text)
		}
		if flag := "--allow-" + string(taken.Code); !slices.Contains(flags, flag) {
			flags = append(flags, flag)
		}
	}
	if more := len(missing) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return hint.New("refused, because standard input is not a terminal for confirmation: "+strings.Join(texts, "; "),
		"review the file, and if you trust it, add "+strings.Join(flags, " "))
}
