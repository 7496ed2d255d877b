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
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

func (a *app) newUsers(g *globals) *cobra.Command {
	var output, user string
	cmd := &cobra.Command{
		Use:     "users [NAME]",
		Aliases: []string{"issued"},
		Short:   "List users and until when their certificates are valid",
		Long: `List the certificates that "issue" and "approve" have recorded in the cluster,
the newest last: their user, requester and approver, and until when they are
valid. With NAME, only those of that user. The API itself deletes an answered
request after an hour; the records are ConfigMaps in namespace kube-system, and
contain no private keys.`,
		Example: a.examples(
			"# Who has a certificate, and until when?",
			"%s users",
			"# One user's certificates, with all columns",
			"%s users alice -o wide",
			"# Serial numbers and fingerprints for an audit",
			"%s users -o json | jq -r '.items[] | .user + \" \" + .sha256'"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return hint.New(fmt.Sprintf("only one user at a time, not %d", len(args)), "omit the name to list all users")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && user != "" && user != args[0] {
				return hint.New(fmt.Sprintf("two user names: %q or %q?", args[0], user), "omit --user")
			}
			if len(args) == 1 {
				user = args[0]
			}
			if err := report.CheckListFormat(output); err != nil {
				return err
			}
			colors, err := a.colors(g.color)
			if err != nil {
				return err
			}
			return a.users(cmd.Context(), g, user, output, colors)
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "Show only certificates of this `USER`, as NAME does")
	cmd.Flags().StringVarP(&output, "output", "o", "table", "Output `FORMAT`: "+strings.Join(report.ListFormats(), ", "))
	return cmd
}

func (a *app) users(ctx context.Context, g *globals, user, output string, colors report.Colors) error {
	c, err := a.connect(g)
	if err != nil {
		return err
	}
	if err := c.CheckCredentials(); err != nil {
		return err
	}
	records, err := access.List(ctx, c.Client, user, a.clientCA(ctx, c))
	if err != nil {
		return c.Explain(err, a.now())
	}
	missing, err := a.addUnrecorded(ctx, c, records, user)
	if err != nil {
		return c.Explain(err, a.now())
	}
	if err := issuedList(records.Items, user, a.now()).Write(a.out, output, colors); err != nil {
		return fmt.Errorf("writing the output: %w", err)
	}
	if missing > 0 {
		a.say("warning: %s of the last hour have no record: it was deleted or never created\n", count(missing, "certificate"))
	}
	for _, r := range records.Items {
		if fault := r.Fault(); fault != "" {
			a.say("warning: a record is damaged: %s\n", fault)
		}
	}
	return nil
}

// addUnrecorded adds what the requests of the last hour show, and returns how
// many certificates that is.
func (a *app) addUnrecorded(ctx context.Context, c *cluster.Cluster, records *access.Records, user string) (int, error) {
	requests, err := access.ListRequests(ctx, c.Client, &access.Powers{}, true)
	if isMissing(err) {
		a.say("warning: whether records are missing is not known: you may not list certificatesigningrequests.certificates.k8s.io\n")
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	before := len(records.Items)
	records.AddUnrecorded(requests, user)
	return len(records.Items) - before, nil
}

// issuedList shows records as they stand at now.
func issuedList(records []access.Record, user string, now time.Time) report.List {
	document := access.NewRecordList(records, now)
	list := report.List{
		Document: document,
		Header:   []string{"USER", "GROUPS", "STATUS", "ISSUED", "EXPIRES", "LEFT", "APPROVED BY", "REQUESTED BY", "REQUEST", "SIGNER", "ENDED", "SERIAL", "SHA256"},
		WideOnly: 6,
		Empty:    "No certificates are recorded.",
	}
	if user != "" {
		list.Empty = fmt.Sprintf("No certificates of user %s are recorded.", report.Printable(user))
	}
	for _, r := range document.Items {
		ended := ""
		if r.Ended != nil {
			ended = minute(*r.Ended)
		}
		approver := r.ApprovedBy
		if approver == "" {
			approver = "not recorded"
		}
		var row []report.Cell
		for _, text := range []string{pki.Quote(r.User), pki.QuoteAll(r.Groups, ""), string(r.Status), minute(r.IssuedAt), minute(r.NotAfter), leftOf(r.NotAfter, now),
			approver, r.RequestedBy, r.Request, r.Signer, ended, r.Serial, r.Fingerprint} {
			row = append(row, report.Cell{Text: text})
		}
		row[2].Mood = recordMoods[r.Status]
		list.Rows = append(list.Rows, row)
		name := "configmap/" + r.Name
		if r.Unrecorded {
			name = "certificatesigningrequest/" + r.Request
		}
		list.Names = append(list.Names, name)
	}
	return list
}

// recordMoods say how good a status is.
var recordMoods = map[access.RecordStatus]report.Mood{
	access.RecordValid: report.Good, access.RecordExpired: report.Bad, access.RecordDamaged: report.Bad,
	access.RecordEnded: report.Doubtful, access.RecordUnrecorded: report.Doubtful,
}

// minute renders a time as all tables do.
func minute(t time.Time) string {
	return t.UTC().Format("2006-01-02 15:04 MST")
}

// leftOf says how long it still is until then, or how long ago it was.
func leftOf(then, now time.Time) string {
	if d := then.Sub(now); d >= 0 {
		return duration.HumanDuration(d)
	}
	return duration.HumanDuration(now.Sub(then)) + " ago"
}
