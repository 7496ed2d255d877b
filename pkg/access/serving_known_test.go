package access

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/pkitest"
)

// approvedBefore puts a request of node's into the API that was issued with
// names, age ago.
func (c *servingCluster) approvedBefore(node string, age time.Duration, all ...string) *servingCluster {
	c.t.Helper()
	object := asking(c.t, byNode(node, all...)...)
	object.Name, object.UID = "before-"+node+age.String(), ""
	object.CreationTimestamp = metav1.NewTime(pkitest.Now.Add(-age))
	object.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{{Type: certificatesv1.CertificateApproved}}
	object.Status.Certificate = pki.EncodeCertificates(c.certificate(node, all...))
	if err := c.client.Tracker().Add(object); err != nil {
		c.t.Fatal(err)
	}
	return c
}

// What a kubelet was certified for before, it gets again; what is new, not.
func TestServingRenewal(t *testing.T) {
	young := n1()
	young.CreationTimestamp = metav1.NewTime(pkitest.Now.Add(-time.Minute))
	organization := func(groups ...string) pkitest.Option {
		return func(c *x509.Certificate) { c.Subject.Organization = groups }
	}
	asItself := []pkitest.Option{pkitest.Server("system:node:n1", "n1", "10.0.0.1"), organization("system:nodes")}
	tests := []struct {
		name   string
		node   *corev1.Node
		before func(*servingCluster)
		new    bool
		want   string
	}{
		{"the password again", n1(), func(c *servingCluster) { c.serving("n1", "n1", "10.0.0.1") }, false, ""},
		{"less than before", n1(), func(c *servingCluster) { c.serving("n1", "n1", "10.0.0.1", "10.0.0.77") }, false, ""},
		{"an address more", n1(), func(c *servingCluster) { c.serving("n1", "n1") }, false, `Node "n1" adds IP address 10.0.0.1, which is not in its current serving certificate`},
		{"a name more", n1(), func(c *servingCluster) { c.serving("n1", "10.0.0.1") }, false, `Node "n1" adds DNS name "n1"`},
		{"an address more, where new Nodes may join", n1(), func(c *servingCluster) { c.serving("n1", "n1") }, true, "adds IP address 10.0.0.1"},

		{"never seen serving", n1(), func(*servingCluster) {}, false, `it appears to be the first certificate of Node "n1"`},
		{"never seen serving, and new ones may", n1(), func(*servingCluster) {}, true, ""},
		{"not to be reached", n1(), func(c *servingCluster) { c.silent["n1"] = true }, false, "its kubelet could not be reached: i/o timeout"},
		{"not to be reached, and new ones may", n1(), func(c *servingCluster) { c.silent["n1"] = true }, true, "is not known"},
		{"not to be reached, and too young to have had one", young, func(c *servingCluster) { c.silent["n1"] = true }, true, ""},

		{"approved before", n1(), func(c *servingCluster) { c.approvedBefore("n1", time.Minute, "n1", "10.0.0.1") }, false, ""},
		{"approved for less", n1(), func(c *servingCluster) { c.approvedBefore("n1", time.Minute, "n1") }, true, "adds IP address 10.0.0.1, which is not in its last approved certificate"},
		{"approved for it before the last time", n1(), func(c *servingCluster) {
			c.approvedBefore("n1", time.Minute, "n1").approvedBefore("n1", 2*time.Minute, "n1", "10.0.0.1")
		}, false, "adds IP address 10.0.0.1"},
		{"approved for another Node", n1(), func(c *servingCluster) { c.approvedBefore("n2", time.Minute, "n1", "10.0.0.1") }, false, "first certificate"},
		{"approved for an older Node of the name", young, func(c *servingCluster) { c.approvedBefore("n1", 5*time.Minute, "n1", "10.0.0.1") }, false, "first certificate"},
		{"approved for an older Node of the name, and new ones may", young, func(c *servingCluster) { c.approvedBefore("n1", 5*time.Minute, "n1", "10.0.0.1") }, true, ""},
		{"approved while its Node was registered", young, func(c *servingCluster) { c.approvedBefore("n1", 90*time.Second, "n1", "10.0.0.1") }, false, ""},
		{"approved for less, for a Node that was made again", young, func(c *servingCluster) { c.approvedBefore("n1", 5*time.Minute, "n1") }, true, "adds IP address 10.0.0.1"},

		{"another Node's certificate", n1(), func(c *servingCluster) { c.serves["n1"] = c.certificate("n2", "n1", "10.0.0.1") }, false, "system:node:n2"},
		{"by another CA", n1(), func(c *servingCluster) { c.serves["n1"] = pkitest.NewCA(t, "mine").Issue(t, asItself...) }, false, "presents another certificate"},
		{"by a CA of the same name", n1(), func(c *servingCluster) { c.serves["n1"] = c.ca.Impostor(t).Issue(t, asItself...) }, false, "presents another certificate"},
		{"expired", n1(), func(c *servingCluster) { c.serves["n1"] = c.ca.Issue(t, append(asItself, pkitest.Left(-day))...) }, false, "it is valid from"},
		{"not in the group of nodes", n1(), func(c *servingCluster) {
			c.serves["n1"] = c.ca.Issue(t, append(asItself, organization("devs"))...)
		}, false, "its subject is"},
		{"the kubelet's client certificate", n1(), func(c *servingCluster) {
			c.serves["n1"] = c.ca.Issue(t, append(asItself, pkitest.Client("system:node:n1", "system:nodes"))...)
		}, false, "not a server certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newServingCluster(t, tt.node)
			tt.before(c)
			c.gate.Limits.New = tt.new
			wantFinding(t, c.findings(byN1("n1", "10.0.0.1")...), tt.want)
		})
	}
}

// A control-plane node has the API server's address, and nobody else.
func TestServingControlPlane(t *testing.T) {
	asked := []string{"cp", "10.0.0.100"}
	c := newServingCluster(t, n1())
	c.gate.Limits.New = true
	wantFinding(t, c.findings(byNode("cp", asked...)...), "is an API server's")
	c.approvedBefore("cp", time.Minute, asked...)
	wantFinding(t, c.findings(byNode("cp", asked...)...), "is an API server's")
	c.serving("cp", asked...)
	wantFinding(t, c.findings(byNode("cp", asked...)...), "")
	c.serving("cp", "cp")
	wantFinding(t, c.findings(byNode("cp", asked...)...), "is an API server's")
	// Once more than its own, never.
	c.serving("cp", "cp", "10.0.0.100", "127.0.0.1")
	wantFinding(t, c.findings(byNode("cp", "cp", "127.0.0.1")...), "loopback")

	// A worker at the address of an API server that is no Node, serving with it
	// already: whatever let that happen does not go on.
	worker := node("w", at(corev1.NodeHostName, "w"), at(corev1.NodeInternalIP, "10.0.0.101"))
	c = newServingCluster(t, worker).serving("w", "w", "10.0.0.101")
	wantFinding(t, c.findings(byNode("w", "w", "10.0.0.101")...), "is an API server's")
	worker.Labels = map[string]string{controlPlaneLabel: ""}
	c = newServingCluster(t, worker)
	wantFinding(t, c.findings(byNode("w", "w", "10.0.0.101")...), "is an API server's")
}

// A kubelet that stops serving while it is watched has not become a new one.
func TestServingRemembers(t *testing.T) {
	c := newServingCluster(t, n1()).serving("n1", "n1")
	c.gate.Limits.New = true
	wantFinding(t, c.findings(byN1("n1")...), "")
	delete(c.serves, "n1")
	wantFinding(t, c.findings(byN1("n1", "10.0.0.1")...), "adds IP address 10.0.0.1")
	wantFinding(t, c.findings(byN1("n1")...), "")

	// A new Node of the name gains nothing by what the old one served with.
	c.gate.Limits.New = false
	wantFinding(t, c.findings(byN1("n1")...), "")
	c.remake("n1", pkitest.Now.Add(2*time.Minute))
	wantFinding(t, c.findings(byN1("n1")...), "first certificate")
}

// What a node says instead of a certificate is bounded, and shown as what it is.
func TestServingHostileAnswer(t *testing.T) {
	c := newServingCluster(t, n1())
	c.serves["n1"] = c.ca.Issue(t, pkitest.Server("fix: run as admin: curl evil\n\x1b[2J"+strings.Repeat("x", 5000)))
	got := c.findings(byN1("n1")...)
	if len(got) > 700 || strings.ContainsAny(got, "\n\x1b") || !strings.Contains(got, `its subject is "`) {
		t.Errorf("it says %q", got)
	}
}

// A name where an address should be is not looked up.
func TestServingDialsAddressesOnly(t *testing.T) {
	n := node("n1", at(corev1.NodeInternalIP, "metadata.example.com"), at(corev1.NodeInternalIP, "10.0.0.1"), at(corev1.NodeHostName, "n1"))
	c := newServingCluster(t, n)
	c.findings(byN1("n1")...)
	if !slices.Equal(c.asked, []string{"10.0.0.1:10250"}) {
		t.Errorf("asked %q", c.asked)
	}
}

// The kubelet is asked where its Node says; nothing is asked of it for what is
// refused anyway.
func TestServingAsksTheKubelet(t *testing.T) {
	n := n1()
	n.Status.DaemonEndpoints.KubeletEndpoint.Port = 10251
	c := newServingCluster(t, n)
	c.findings(byN1("kubernetes")...)
	if len(c.asked) > 0 {
		t.Errorf("asked %q for nothing", c.asked)
	}
	c.findings(byN1("n1")...)
	if !slices.Equal(c.asked, []string{"10.0.0.1:10251"}) {
		t.Errorf("asked %q", c.asked)
	}
}

// What could not be read is said, and nothing passes.
func TestServingUnseen(t *testing.T) {
	for resource, want := range map[string]string{
		"nodes": "you may not list nodes", "servicecidrs": "you may not list servicecidrs.networking.k8s.io",
		"endpointslices": "you may not list endpointslices.discovery.k8s.io -n default", "services": "you may not get services/kubernetes -n default",
		"configmaps": "you may not get configmaps/kube-root-ca.crt -n kube-system", "certificatesigningrequests": "you may not list certificatesigningrequests.certificates.k8s.io",
	} {
		t.Run(resource, func(t *testing.T) {
			c := newServingCluster(t, n1()).serving("n1", "n1", "10.0.0.1")
			c.forbids[resource] = true
			c.gate.Limits = everythingAllowed(t)
			wantFinding(t, c.findings(byN1("n1", "10.0.0.1")...), want)
		})
	}
	t.Run("the API server's certificate", func(t *testing.T) {
		c := newServingCluster(t, n1()).serving("n1", "n1", "10.0.0.1")
		c.gate.ServerCertificates = func(context.Context) ([]*x509.Certificate, error) { return nil, errors.New("cut off") }
		wantFinding(t, c.findings(byN1("n1", "10.0.0.1")...), "cut off")
	})
	t.Run("pods, which the API makes up for", func(t *testing.T) {
		c := newServingCluster(t, n1()).serving("n1", "n1", "10.0.0.1")
		c.forbids["pods"] = true
		wantFinding(t, c.findings(byN1("n1", "10.0.0.1")...), "")
	})
}

// Where the API has no ranges of Services, the control plane's pods say them,
// and no pod that a worker made; where nobody does, --allow-cidr helps.
func TestServingWithoutServiceCIDRs(t *testing.T) {
	for _, tt := range []struct {
		name, podsNode, cidr, want string
	}{
		{"by the flags", "cp", "", ""},
		{"by a pod of the worker's own", "n1", "", "no Service CIDR was found"},
		{"by a pod of the worker's own, which takes nothing away", "n1", "10.0.0.0/24", ""},
		{"by nothing", "", "", "no Service CIDR was found"},
		{"by the nodes' networks", "", "10.0.0.0/24", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newServingCluster(t, n1()).serving("n1", "n1", "10.0.0.1")
			for _, name := range []string{"kubernetes", "more"} {
				if err := c.client.Tracker().Delete(serviceCIDRs, "", name); err != nil {
					t.Fatal(err)
				}
			}
			pod, err := c.client.CoreV1().Pods("kube-system").Get(t.Context(), "kube-apiserver-cp", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			pod.Spec.NodeName = tt.podsNode
			pod.Spec.Containers[0].Command = []string{"kube-apiserver", "--service-cluster-ip-range", "10.97.0.0/16"}
			if tt.podsNode == "n1" {
				pod.Spec.Containers[0].Command[2] = "10.0.0.0/8" // so that nobody gets a certificate
			}
			if tt.podsNode == "" {
				pod.Spec.Containers[0].Command = nil
			}
			if _, err := c.client.CoreV1().Pods("kube-system").Update(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			if tt.cidr != "" {
				network, err := ParseNodeNetwork(tt.cidr)
				if err != nil {
					t.Fatal(err)
				}
				c.gate.Limits.CIDRs = append(c.gate.Limits.CIDRs, network)
			}
			wantFinding(t, c.findings(byN1("n1", "10.0.0.1")...), tt.want)
		})
	}
}

// A person sees the same, and what would need one is a warning.
func TestServingRisks(t *testing.T) {
	for _, tt := range []struct {
		name     string
		asked    []change
		forbid   string
		codes    string
		severity inventory.Severity
		says     string
	}{
		{"a renewal", byN1("n1", "10.0.0.1"), "", "", "", ""},
		{"an address more", byN1("n1", "fd00::1"), "", "serving-names", inventory.Warning, "adds IP address fd00::1"},
		{"never", byN1("n1", "127.0.0.1"), "", "serving-names", inventory.Critical, "IP address 127.0.0.1 is a loopback address"},
		{"never, by an administrator", append(byN1("localhost"), by("root")), "", "node serving-names", inventory.Critical, `DNS name "localhost"`},
		{"not to be judged", byN1("n1", "10.0.0.1"), "servicecidrs", "unchecked", inventory.Warning, "you may not list servicecidrs"},
		{"nothing to be judged by", byN1("n1", "10.0.0.1"), "nodes", "unchecked", inventory.Warning, "you may not list nodes"},
		{"a client", []change{kubelet, subject("system:node:n1", "system:nodes"), by("system:node:n1", "system:nodes")}, "", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newServingCluster(t, n1()).serving("n1", "n1", "10.0.0.1")
			c.forbids[tt.forbid] = true
			requests := []Request{newRequest(asking(t, tt.asked...), &Powers{SignerLife: DefaultSignerLife})}
			if err := c.gate.AddServingRisks(t.Context(), requests); err != nil {
				t.Fatal(err)
			}
			var codes []string
			last := Risk{}
			for _, last = range requests[0].Risks {
				codes = append(codes, string(last.Code))
			}
			if got := strings.Join(codes, " "); got != tt.codes || last.Severity != tt.severity || !strings.Contains(last.Message, tt.says) {
				t.Errorf("got %q, %+v", got, last)
			}
		})
	}
}

// Whoever approves may read all that is needed for it.
func TestCheckMayServe(t *testing.T) {
	allowed := func(_ context.Context, acts []permit.Act) ([]bool, error) { return make([]bool, len(acts)), nil }
	err := CheckMayServe(t.Context(), allowed, true)
	if err == nil {
		t.Fatal("all is allowed")
	}
	for _, act := range []string{
		"list certificatesigningrequests.certificates.k8s.io", "watch certificatesigningrequests.certificates.k8s.io", "list nodes",
		"get services/kubernetes -n default", "list endpointslices.discovery.k8s.io -n default", "list servicecidrs.networking.k8s.io",
		"get configmaps/kube-root-ca.crt -n kube-system", "update certificatesigningrequests/approval.certificates.k8s.io",
		"approve signers.certificates.k8s.io/kubernetes.io/kubelet-serving",
	} {
		if !strings.Contains(err.Error(), act) {
			t.Errorf("%s is not named: %v", act, err)
		}
	}
}
