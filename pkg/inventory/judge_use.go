package inventory

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
)

// judgeSerial finds two certificates that their CA gave the same number.
func judgeSerial(c *certificate, e *evidence) []Finding {
	if e.serials[serialOf{c.signer, c.entry.SerialNumber}] < 2 {
		return nil
	}
	return []Finding{{CodeDuplicateSerial, Warning,
		fmt.Sprintf("has the same serial number %s as another certificate of issuer %s", c.entry.SerialNumber, c.entry.SignedBy),
		"find out who else signs with this CA key; serial numbers identify certificates in logs and revocations"}}
}

// judgeFile finds a server that still presents what its file held before.
func judgeFile(c *certificate, e *evidence) []Finding {
	files := e.files[c.entry.Name]
	for _, s := range c.sightings {
		if !catalog.IsServed(s.Place) {
			continue
		}
		there, same := "", false
		for _, f := range files {
			for _, file := range f.sightings {
				if file.Row == c.entry.Name && (s.Node == "" || file.Node == s.Node) {
					there, same = file.Where, same || f == c
				}
			}
		}
		if there != "" && !same {
			return []Finding{{CodeServedDiffers, Warning,
				fmt.Sprintf("served at %s, but differs from %s", s.Where, there),
				"restart the server to reload its file; if the file is wrong, replace it first"}}
		}
	}
	return nil
}

// judgePower finds administrators whom RBAC cannot limit.
func judgePower(c *certificate, e *evidence) []Finding {
	if c.entry.Role != catalog.Client || !slices.Contains(c.entry.Subject.Organizations, catalog.Masters) {
		return nil
	}
	f := Finding{CodeClusterAdmin, Info,
		fmt.Sprintf("is in group %s: RBAC does not limit it, and only its expiry or a new CA revokes it", catalog.Masters),
		"store it for break-glass access only"}
	runs := e.runsOf(c)
	for _, s := range c.sightings {
		if runs.InstallsMasters != "" && c.entry.Subject.CommonName == runs.InstallsMasters {
			f.Message += "; " + runs.Name + " sets up its administrator this way"
			f.Fix = "keep it on the control plane; for users: kubectl certs issue admin, whose permissions can be revoked"
			break
		}
		if s.Place != catalog.LeafFile || !installedAsMaster(s.Row) {
			f.Severity = Warning
			f.Fix = "use a group with a ClusterRoleBinding instead: kubectl certs issue admin"
		}
	}
	return []Finding{f}
}

// installedAsMaster reports whether installers themselves put the certificate
// of row, on its node, into that group.
func installedAsMaster(row string) bool {
	// Before v1.29 kubeadm's API server was in it towards kubelets; k3s's and
	// k0s's still is.
	if row == "apiserver-kubelet-client" {
		return true
	}
	known, ok := catalog.Lookup(row)
	return ok && known.Subject != nil && slices.Contains(known.Subject.Organizations, catalog.Masters)
}

// longLife is how long a client's certificate lives at most before that is
// worth a word: kubeadm's year, and some.
const longLife = 400 * 24 * time.Hour

// judgeLife finds clients that stay let in for years: there is no revocation.
func judgeLife(c *certificate, _ *evidence) []Finding {
	life := c.entry.NotAfter.Sub(c.entry.NotBefore)
	if c.entry.Role != catalog.Client || life <= longLife || manifold(c.sightings[0].Place) {
		return nil
	}
	row, known := catalog.Lookup(c.entry.Name)
	severity := Warning
	if known && (row.Profile == nil || row.Profile.CommonName != "") && row.Name != catalog.SuperAdmin {
		severity = Info // a component, whose file does not leave its node
	}
	return []Finding{{CodeLongLivedClient, severity,
		fmt.Sprintf("is valid for %s and cannot be revoked", Span(c.entry.NotBefore, c.entry.NotAfter)),
		"issue short-lived ones: kubectl certs issue NAME --expires-in 24h"}}
}

// How long requests may wait before somebody should look.
const (
	approvalPatience = 10 * time.Minute
	signingPatience  = 5 * time.Minute
)

// judgeRequests finds requests that nobody answers.
func judgeRequests(requests []Request, now time.Time) {
	for i := range requests {
		r := &requests[i]
		r.Findings = []Finding{}
		waited := now.Sub(r.CreatedAt)
		switch {
		case r.State == Pending && waited > approvalPatience:
			r.Findings = append(r.Findings, Finding{CodePendingTooLong, Warning,
				fmt.Sprintf("has been pending for %s", duration.HumanDuration(waited)),
				fmt.Sprintf("review it, then approve or deny it: kubectl certs csr %s", r.Name)})
		case r.State == Approved && waited > signingPatience:
			r.Findings = append(r.Findings, Finding{CodePendingTooLong, Warning,
				fmt.Sprintf("is approved, but %s has not signed it for %s", r.Signer, duration.HumanDuration(waited)),
				"check that the signer runs: the controller manager signs for kubernetes.io signers, unless the provider has disabled it"})
		}
	}
}
