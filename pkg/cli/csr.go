package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

func (a *app) newCSR(g *globals) *cobra.Command {
	var output string
	var all bool
	cmd := &cobra.Command{
		Use:     "csr [NAME...]",
		Aliases: []string{"requests"},
		Short:   "List pending certificate signing requests and their risks",
		Long: `List pending CertificateSigningRequests: the requester, the user and groups
that the certificate would name, its lifetime, and its risks, based on the
cluster's RBAC bindings. With NAME, that request is shown in full.`,
		Example: a.examples(
			"# Which requests are pending?",
			"%s csr",
			"# One request in full",
			"%s csr csr-8xk2v",
			"# Include decided requests, with names, keys and usages",
			"%s csr --all -o wide"),
		RunE: func(cmd *cobra.Command, names []string) error {
			if err := report.CheckListFormat(output); err != nil {
				return err
			}
			colors, err := a.colors(g.color)
			if err != nil {
				return err
			}
			if all && len(names) > 0 {
				return hint.New("--all cannot be used with names", "use one of them")
			}
			return a.requests(cmd.Context(), g, names, all, output, colors)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "Include decided requests")
	cmd.Flags().StringVarP(&output, "output", "o", "table", "Output `FORMAT`: "+strings.Join(report.ListFormats(), ", "))
	return cmd
}

func (a *app) requests(ctx context.Context, g *globals, names []string, all bool, output string, colors report.Colors) error {
	c, err := a.connect(g)
	if err != nil {
		return err
	}
	if err := c.CheckCredentials(); err != nil {
		return err
	}
	powers, err := access.ReadPowers(ctx, c.Client)
	if err != nil {
		return c.Explain(err, a.now())
	}
	var found []access.Request
	if len(names) > 0 {
		found, err = getRequests(ctx, c, powers, names)
	} else {
		found, err = access.ListRequests(ctx, c.Client, powers, all)
	}
	if err == nil {
		err = a.servingGate(c, servingFlags{}).AddServingRisks(ctx, found)
	}
	if err != nil {
		return c.Explain(err, a.now())
	}
	if len(names) > 0 && output == "table" {
		for i := range found {
			if i > 0 {
				fprintf(a.out, "\n")
			}
			a.showRequest(a.out, &found[i], powers, colors)
		}
		return nil
	}
	if output == "table" && len(powers.Unseen) > 0 && len(found) > 0 {
		defer a.say("warning: you may not list %s: risks that depend on roles and bindings could not be checked\n", strings.Join(powers.Unseen, ", "))
	}
	return a.requestList(c, found, all).Write(a.out, output, colors)
}

// getRequests reads the requests called names, each once.
func getRequests(ctx context.Context, c *cluster.Cluster, powers *access.Powers, names []string) ([]access.Request, error) {
	var found []access.Request
	seen := map[string]bool{}
	for _, name := range names {
		if seen[name] {
			continue
		}
		seen[name] = true
		request, err := access.GetRequest(ctx, c.Client, powers, name)
		if err != nil {
			return nil, err
		}
		found = append(found, *request)
	}
	return found, nil
}

func (a *app) requestList(c *cluster.Cluster, found []access.Request, all bool) report.List {
	list := report.List{
		Document: access.NewRequestList(inventory.Cluster{Context: c.Context, Server: c.Server}, found),
		Header:   []string{"NAME", "STATE", "AGE", "REQUESTER", "USER", "GROUPS", "SIGNER", "LIFETIME", "RISK", "NAMES", "USAGES", "KEY"},
		WideOnly: 3,
		Empty:    "No pending requests.",
	}
	if all {
		list.Empty = "No requests."
	}
	for i := range found {
		r := &found[i]
		state := ""
		if all || r.State != access.Pending {
			state = string(r.State)
		}
		list.Names = append(list.Names, r.Name)
		list.Rows = append(list.Rows, []report.Cell{
			{Text: r.Name}, {Text: state}, {Text: duration.HumanDuration(a.now().Sub(r.CreatedAt))},
			{Text: pki.Quote(r.Requester)}, {Text: userCell(r)}, {Text: pki.QuoteAll(r.Subject.Organizations, "")},
			{Text: r.Signer}, {Text: requestedLife(r)}, riskCell(r.Risks),
			{Text: alternativeNames(r)}, {Text: strings.Join(r.Usages, ",")},
			{Text: fmt.Sprintf("%s %d", r.PublicKey.Algorithm, r.PublicKey.Bits)},
		})
	}
	return list
}

func requestedLife(r *access.Request) string {
	if r.ExpirationSeconds == 0 {
		return "default"
	}
	if life := r.Life(); life > longestExact && life%(24*time.Hour) != 0 {
		return duration.HumanDuration(life)
	}
	return humanLife(r.Life())
}

// longestExact is the longest life whose hours and minutes mean something to a
// person.
const longestExact = 72 * time.Hour

// userCell is the user's name; a request that cannot be read has none.
func userCell(r *access.Request) string {
	if r.Subject.CommonName == "" && r.PublicKey.Algorithm == "" {
		return ""
	}
	return pki.Quote(r.Subject.CommonName)
}

// riskCell lists the codes, in the colour of the worst.
func riskCell(risks []access.Risk) report.Cell {
	if len(risks) == 0 {
		return report.Cell{Text: "none", Mood: report.Good}
	}
	var cell report.Cell
	var codes []string
	for _, risk := range risks {
		codes = append(codes, string(risk.Code))
		cell.Mood = max(cell.Mood, toneOf(risk))
	}
	cell.Text = strings.Join(codes, ",")
	return cell
}

func toneOf(risk access.Risk) report.Mood {
	switch risk.Severity {
	case inventory.Critical:
		return report.Bad
	case inventory.Warning:
		return report.Doubtful
	}
	return report.Plain
}

func alternativeNames(r *access.Request) string {
	var all []string
	for _, names := range [][]string{r.DNSNames, r.IPAddresses, r.URIs, r.EmailAddresses} {
		for _, name := range names {
			all = append(all, pki.Quote(name))
		}
	}
	return strings.Join(all, ",")
}
