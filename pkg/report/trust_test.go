package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
)

// ca and leaf are entries as far as the trust is concerned. The SHA-256 of a CA
// is "name/common name" here, and signedBy is that of the signer.
func ca(name, common, signedBy string, left time.Duration) inventory.Entry {
	signer, _, _ := strings.Cut(signedBy, "/")
	return inventory.Entry{
		Name: name, Role: catalog.CA, IsCA: true, SignedBy: signer, IssuerSHA256: signedBy, Status: inventory.OK,
		Subject: inventory.Subject{CommonName: common}, NotAfter: pkitest.Now.Add(left), SHA256: name + "/" + common,
	}
}

func leaf(name, issuer, signedBy string) inventory.Entry {
	signer, _, _ := strings.Cut(signedBy, "/")
	return inventory.Entry{
		Name: name, Role: catalog.Server, SignedBy: signer, IssuerSHA256: signedBy, IssuerName: issuer, Status: inventory.OK,
		NotAfter: pkitest.Now.Add(pkitest.Day), SHA256: name + "/",
	}
}

func TestTrust(t *testing.T) {
	const day = pkitest.Day
	tests := []struct {
		name  string
		items []inventory.Entry
		want  string // the tree, short of its columns
	}{
		{
			"an intermediate stands where it is",
			[]inventory.Entry{ca("root", "r", "root/r", day), ca("middle", "m", "root/r", day), leaf("a", "CN=m", "middle/m"), leaf("b", "CN=r", "root/r")},
			"root\n├── middle\n│   └── a\n└── b\n",
		},
		{
			"nobody's",
			[]inventory.Entry{ca("root", "r", "root/r", day), leaf("a", "CN=x", ""), leaf("self", "CN=self", "self/")},
			"root\n\n(issuer not found)\n├── a\n└── self\n",
		},
		{
			"a CA whose signer was not seen is a root",
			[]inventory.Entry{ca("middle", "m", "", day), leaf("a", "CN=m", "middle/m")},
			"middle\n└── a\n",
		},
		{
			"two of one name, each with its own",
			[]inventory.Entry{ca("ca", "old", "ca/old", 9*day), ca("ca", "new", "ca/new", day), leaf("a", "CN=k", "ca/new"), leaf("b", "CN=k", "ca/old")},
			"ca\n└── b\n\nca\n└── a\n",
		},
		{
			"one that another of its name signed",
			[]inventory.Entry{ca("ca", "old", "ca/old", 9*day), ca("ca", "cross", "ca/old", day), leaf("a", "CN=k", "ca/cross")},
			"ca\n└── ca\n    └── a\n",
		},
		{
			"those that signed each other",
			[]inventory.Entry{ca("a", "a", "b/b", day), ca("b", "b", "a/a", day), leaf("x", "CN=b", "b/b")},
			"b\n├── a\n└── x\n",
		},
		{
			"a signer that was narrowed away",
			[]inventory.Entry{leaf("a", "CN=r", "root/r")},
			"(issuer not found)\n└── a\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := write(t, "tree", &inventory.Inventory{TakenAt: pkitest.Now, Items: tt.items}, report.Options{NoHeaders: true})
			if err != nil {
				t.Fatal(err)
			}
			var short strings.Builder
			for line := range strings.Lines(got) {
				name, _, _ := strings.Cut(strings.TrimRight(line, "\n"), "   ok")
				short.WriteString(strings.TrimRight(name, " ") + "\n")
			}
			if short.String() != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			// Nothing is lost or doubled, in any view.
			for _, format := range []string{"table", "html"} {
				view, err := write(t, format, &inventory.Inventory{TakenAt: pkitest.Now, Items: tt.items}, report.Options{})
				if err != nil {
					t.Fatal(err)
				}
				marker := map[string]string{"table": " ok ", "html": "<details>"}[format]
				if n := strings.Count(view, marker); n != len(tt.items) {
					t.Errorf("%s shows %d of %d", format, n, len(tt.items))
				}
			}
		})
	}
}

// A chain of thousands, in whatever order, is a list and no staircase.
func TestTrustOfLongChain(t *testing.T) {
	const length = 5000
	items := []inventory.Entry{ca("ca-0", "0", "ca-0/0", pkitest.Day)}
	for i := 1; i < length; i++ {
		items = append(items, ca(fmt.Sprintf("ca-%d", i), fmt.Sprint(i), fmt.Sprintf("ca-%d/%d", i-1, i-1), pkitest.Day))
	}
	for _, format := range []string{"table", "tree", "html"} {
		got, err := write(t, format, &inventory.Inventory{TakenAt: pkitest.Now, Items: items}, report.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(got, "ca-4999"); n == 0 {
			t.Errorf("%s: the last is not there", format)
		}
		for line := range strings.Lines(got) {
			if format != "html" && len(line) > 200 {
				t.Fatalf("%s: a line of %d bytes", format, len(line))
			}
		}
	}
}

// On a terminal, lines fit.
func TestWidth(t *testing.T) {
	inv := busy(t)
	for _, format := range []string{"table", "tree"} {
		for _, columns := range []int{70, 80, 120} {
			got, err := write(t, format, inv, report.Options{Width: columns})
			if err != nil {
				t.Fatal(err)
			}
			certificates, _, _ := strings.Cut(got, "\n× ")
			for line := range strings.Lines(certificates) {
				if n := len([]rune(strings.TrimRight(line, "\n"))); n > columns {
					t.Errorf("%s at %d: %d columns in %q", format, columns, n, line)
				}
			}
		}
	}
}
