//go:build e2e

package schema

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-certs/kubectl-certs/pkg/access"
)

// user is whom the test issues a certificate for, and asks for another one.
const user = "e2e-schema"

// kubectl runs kubectl with input on the test's cluster.
func kubectl(t *testing.T, input string, args ...string) string {
	t.Helper()
	cmd := exec.Command("kubectl", args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// onCluster returns a caller with the cluster's kubeconfig, a pending request and
// the record of an issued certificate.
func onCluster(t *testing.T) *caller {
	t.Helper()
	kubeconfig := os.Getenv("KUBECONFIG")
	if kubeconfig == "" {
		t.Fatal("KUBECONFIG is not set: run make e2e")
	}
	c := newCaller(t, "KUBECONFIG="+kubeconfig)
	t.Cleanup(func() {
		kubectl(t, "", "delete", "csr", user, "--ignore-not-found")
		kubectl(t, "", "delete", "csr,configmap", "-n", "kube-system", "-l", access.Selector(user))
	})
	c.run("issue", user, "--out", "-")
	request, err := json.Marshal(map[string]any{
		"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": map[string]any{"name": user},
		"spec": map[string]any{
			"signerName": "kubernetes.io/kube-apiserver-client", "usages": []string{"client auth"},
			"request": c.run("request", user+"-pending", "--group", "kubeadm:cluster-admins"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, string(request), "apply", "-f", "-")
	return c
}

// What the program prints of a real cluster is valid.
func TestOutputOfClusterIsValid(t *testing.T) {
	v, on := newValidator(t), onCluster(t)
	for _, tt := range []struct {
		kind, list string // of the document, which has to hold something
		args       []string
	}{
		{"CertificateInventory", "items", []string{"inspect"}},
		{"CertificateInventory", "requests", []string{"inspect", "--sources", "requests"}},
		{"CertificateInventory", "items", []string{"inspect", "apiserver"}},
		{"CertificateInventory", "items", []string{"inspect", "--sources", "issued"}},
		{"CertificateInventory", "skipped", []string{"inspect", "--as", "nobody"}},
		{"CertificateCheck", "", []string{"check"}},
		{"CertificateCheck", "findings", []string{"check", "--within", "3000d"}},
		{"CertificateCheck", "skipped", []string{"check", "--as", "nobody"}},
		{"CertificateRequestList", "items", []string{"csr"}},
		{"CertificateRequestList", "items", []string{"csr", "--all"}},
		{"CertificateRequestList", "items", []string{"csr", user}},
		{"IssuedCertificateList", "items", []string{"users"}},
		{"IssuedCertificateList", "items", []string{"users", user}},
		{"ContextList", "items", []string{"kubeconfig", "list", "--ping"}},
		{"ContextDetail", "sections", []string{"kubeconfig", "show"}},
		{"KubeconfigReport", "", []string{"kubeconfig", "lint", "--ping"}},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			c := &caller{t, on.dir, on.env}
			document, _ := c.document(v, tt.kind, tt.args...)
			if list, _ := document[tt.list].([]any); len(list) == 0 && tt.list != "" {
				t.Errorf("its %s are empty: %v", tt.list, document)
			}
		})
	}
}

// Two runs name the same things by the same identities, each of which is there once.
func TestIdentitiesStay(t *testing.T) {
	on := onCluster(t)
	for _, tt := range []struct {
		list string
		by   []string // the fields that identify an item
		args []string
	}{
		{"items", []string{"sha256"}, []string{"inspect", "--sources", "kubeconfig,endpoint,trust,kubelets,control-plane,webhooks"}},
		{"items", []string{"name"}, []string{"csr", user}},
		{"items", []string{"sha256"}, []string{"users", user}},
		{"items", []string{"name"}, []string{"users", user}},
		{"items", []string{"name"}, []string{"kubeconfig", "list"}},
		{"findings", []string{"sha256", "source", "name", "code"}, []string{"check", "--within", "3000d", "--sources", "kubeconfig,endpoint,trust,kubelets,control-plane,webhooks"}},
		{"skipped", []string{"source", "where"}, []string{"inspect", "--as", "nobody"}},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			c := &caller{t, on.dir, on.env}
			first, second := identities(t, c.run(append(tt.args, "-o", "json")...), tt.list, tt.by), identities(t, c.run(append(tt.args, "-o", "json")...), tt.list, tt.by)
			if len(first) == 0 || !maps.Equal(first, second) {
				t.Errorf("the first run has\n%v\nthe second\n%v", first, second)
			}
		})
	}
}

// identities are what items of a document are identified by, with their locations.
func identities(t *testing.T, text []byte, list string, by []string) map[string]string {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, item := range document[list].([]any) {
		fields := item.(map[string]any)
		var identity []string
		for _, name := range by {
			identity = append(identity, fields[name].(string))
		}
		id := strings.Join(identity, " ")
		if _, ok := found[id]; ok {
			t.Errorf("%q is there twice", id)
		}
		var places []string
		locations, _ := fields["locations"].([]any)
		for _, location := range locations {
			at := location.(map[string]any)
			places = append(places, at["source"].(string)+" "+at["where"].(string))
		}
		slices.Sort(places)
		found[id] = strings.Join(places, "\n")
	}
	return found
}
