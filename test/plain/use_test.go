//go:build e2e

package plain

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

var get = metav1.GetOptions{}

// bindAdmins makes group plain:admins administrators.
func (p *controlPlane) bindAdmins() {
	p.t.Helper()
	_, err := p.client.RbacV1().ClusterRoleBindings().Create(p.t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "plain-admins"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "plain:admins"}},
	}, metav1.CreateOptions{})
	if err != nil {
		p.t.Fatal(err)
	}
}

// kubeconfig writes a kubeconfig of user, who trusts ca, with changes.
func (p *controlPlane) kubeconfig(name string, user *identity, ca []byte, changes ...func(*clientcmdapi.Cluster, *clientcmdapi.AuthInfo)) string {
	p.t.Helper()
	cluster := &clientcmdapi.Cluster{Server: p.server, CertificateAuthorityData: ca}
	auth := &clientcmdapi.AuthInfo{}
	if user != nil {
		auth.ClientCertificateData, auth.ClientKeyData = user.certPEM(), user.keyPEM(p.t)
	}
	for _, change := range changes {
		change(cluster, auth)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["plain"], config.AuthInfos["plain"] = cluster, auth
	config.Contexts["plain"] = &clientcmdapi.Context{Cluster: "plain", AuthInfo: "plain"}
	config.CurrentContext = "plain"
	path := p.path(name + ".kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// result is what a command printed.
type result struct {
	stdout, stderr string
	code           int
}

// run runs a command with kubeconfig, in an empty home.
func (p *controlPlane) exec(kubeconfig, name string, args ...string) result {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	home := p.t.TempDir()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = home
	cmd.Env = []string{"HOME=" + home, "KUBECONFIG=" + kubeconfig, "PATH=" + os.Getenv("PATH")}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		p.t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// certs runs the program.
func (p *controlPlane) certs(kubeconfig string, args ...string) result {
	p.t.Helper()
	program, err := filepath.Abs("../../build/kubectl-certs")
	if err != nil {
		p.t.Fatal(err)
	}
	return p.exec(kubeconfig, program, args...)
}

// kubectlWorks is the judge: whether kubectl gets an answer with kubeconfig.
func (p *controlPlane) kubectlWorks(t *testing.T, kubeconfig string) (works bool, why string) {
	t.Helper()
	r := p.exec(kubeconfig, "kubectl", "get", "namespace", "default", "-o", "name")
	return r.code == 0, r.stderr
}

// requests lists the certificate signing requests that are there.
func (p *controlPlane) requests() []string {
	p.t.Helper()
	list, err := p.client.CertificatesV1().CertificateSigningRequests().List(p.t.Context(), metav1.ListOptions{})
	if err != nil {
		p.t.Fatal(err)
	}
	var names []string
	for _, item := range list.Items {
		names = append(names, item.Name)
	}
	return names
}
