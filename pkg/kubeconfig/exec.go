package kubeconfig

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientauthentication "k8s.io/client-go/pkg/apis/clientauthentication/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// execVersion is the one version of the protocol that is spoken.
const execVersion = "client.authentication.k8s.io/v1"

// Exec is the program that a user logs in by
// (https://kubernetes.io/docs/reference/config-api/client-authentication.v1/).
type Exec struct {
	Command string
	Args    []string
	// InstallHint is what kubectl says where there is no such program.
	InstallHint string
}

// InstallExec lets user log in by a program, which is told of the cluster, in
// place of the certificate that stands in the kubeconfig now; through the safe
// writer.
func InstallExec(ctx context.Context, files Files, user string, e Exec, now func() time.Time) ([]Change, error) {
	var changes []Change
	_, err := Update{Files: files, Now: now, Change: func(c *Config) (err error) {
		changes, err = c.SetExec(user, e)
		return err
	}}.Run(ctx)
	return changes, err
}

// SetExec lets user log in by a program. The certificate and the key that the
// entry holds or names go; everything else stays.
func (c *Config) SetExec(user string, e Exec) ([]Change, error) {
	entry, err := c.Find(UserEntry, user)
	if err != nil {
		return nil, err
	}
	named := func(key string, n *yamledit.Node) yamledit.Node {
		child := *n
		child.Key = key
		return child
	}
	args := &yamledit.Node{Kind: yamledit.Sequence}
	for _, arg := range e.Args {
		args.Children = append(args.Children, *yamledit.String(arg))
	}
	body := &yamledit.Node{Kind: yamledit.Mapping, Children: []yamledit.Node{
		named("apiVersion", yamledit.String(execVersion)),
		named("args", args),
		named("command", yamledit.String(e.Command)),
		named("installHint", yamledit.String(e.InstallHint)),
		named("interactiveMode", yamledit.String("Never")),
		named("provideClusterInfo", &yamledit.Node{Kind: yamledit.Scalar, Value: "true", Plain: true}),
	}}
	err = c.setFields(entry, yamledit.Field{Key: "exec", Value: body},
		yamledit.Field{Key: certificateFile}, yamledit.Field{Key: certificateData},
		yamledit.Field{Key: keyFile}, yamledit.Field{Key: keyData})
	if err != nil {
		return nil, err
	}
	return []Change{{Changed, "user", user, "", entry.In.Path}}, nil
}

// Exec returns the program that user logs in by, or false.
func (c *Config) Exec(user string) (Exec, bool) {
	entry, err := c.Find(UserEntry, user)
	if err != nil || entry.body.Get("exec").Empty() {
		return Exec{}, false
	}
	body := entry.body.Get("exec")
	e := Exec{Command: body.Text("command"), InstallHint: body.Text("installHint")}
	if args := body.Get("args"); args != nil {
		for i := range args.Children {
			e.Args = append(e.Args, args.Children[i].Value)
		}
	}
	return e, true
}

// CredentialCommand is the command of this program that a user logs in by, and
// CredentialFile the flag that names the file with the certificate.
const (
	CredentialCommand = "credential"
	CredentialFile    = "--file="
)

// RenewedFile is the file of the certificate that renews itself, of a user who
// logs in by this program; "" for others.
func (e *Entry) RenewedFile() string {
	args := e.body.Get("exec").Get("args")
	if args == nil || len(args.Children) == 0 || args.Children[0].Value != CredentialCommand {
		return ""
	}
	for _, arg := range args.Children {
		if file, ok := strings.CutPrefix(arg.Value, CredentialFile); ok {
			return file
		}
	}
	return ""
}

// Renewed is the certificate in RenewedFile; nil for a user who logs in
// otherwise.
func (e *Entry) Renewed() ([]*x509.Certificate, error) {
	path := e.RenewedFile()
	if path == "" {
		return nil, nil
	}
	data, err := readPart(path)
	if err != nil {
		return nil, fmt.Errorf("%s: reading %s, the certificate it authenticates with: %w", e, path, err)
	}
	return pki.ParseCertificates(data)
}

// ParseExecInfo reads what kubectl tells the program of the cluster
// (KUBERNETES_EXEC_INFO). The identity has no user, certificate or key yet.
func ParseExecInfo(text string) (Identity, error) {
	var info clientauthentication.ExecCredential
	if err := json.Unmarshal([]byte(text), &info); err != nil {
		return Identity{}, fmt.Errorf("reading KUBERNETES_EXEC_INFO: %w", err)
	}
	if info.APIVersion != execVersion {
		return Identity{}, hint.New(fmt.Sprintf("KUBERNETES_EXEC_INFO has version %q", info.APIVersion),
			"set in the exec entry of the kubeconfig: apiVersion: "+execVersion)
	}
	cluster := info.Spec.Cluster
	if cluster == nil {
		return Identity{}, hint.New("KUBERNETES_EXEC_INFO has no cluster", "set in the exec entry of the kubeconfig: provideClusterInfo: true")
	}
	return Identity{
		Cluster: "kubernetes", Server: cluster.Server, CA: cluster.CertificateAuthorityData,
		ServerName: cluster.TLSServerName, ProxyURL: cluster.ProxyURL, Insecure: cluster.InsecureSkipTLSVerify,
	}, nil
}

// ExecCredential is the answer of the program: a certificate and its key, both
// PEM, and when to ask again.
func ExecCredential(certificate, key []byte, expires time.Time) ([]byte, error) {
	at := metav1.NewTime(expires.UTC())
	data, err := json.Marshal(clientauthentication.ExecCredential{
		TypeMeta: metav1.TypeMeta{APIVersion: execVersion, Kind: "ExecCredential"},
		Status: &clientauthentication.ExecCredentialStatus{
			ExpirationTimestamp: &at, ClientCertificateData: string(certificate), ClientKeyData: string(key),
		},
	})
	return append(data, '\n'), err
}
