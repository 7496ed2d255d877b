package issue

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	certificatesv1 "k8s.io/api/certificates/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/catalog"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
	"github.com/kubectl-certs/kubectl-certs/pkg/pki"
)

// Allowed answers what the caller may do.
type Allowed = permit.Allowed

// Plan is a Request with everything that had to be found out before acting.
// It is what a person should be shown.
type Plan struct {
	Request
	// MayApprove says that the caller may approve the request.
	MayApprove bool
	// Binding is the ClusterRoleBinding that will be made for the group of
	// administrators; nil when none is needed.
	Binding *rbacv1.ClusterRoleBinding
	// MayWithdraw says that the caller may delete the request again.
	MayWithdraw bool
	// ClientCA verifies client certificates in this cluster. It is empty when
	// the caller may not read it: then only the API server can tell whether
	// it accepts what was issued.
	ClientCA []*x509.Certificate
}

func act(verb, resource, subresource, name string) permit.Act {
	return permit.Act{
		Verb: verb, Group: certificatesv1.GroupName, Version: "v1",
		Resource: resource, Subresource: subresource, Name: name,
	}
}

const requests = "certificatesigningrequests"

// sign is the act of approving for one signer. signDomain will do as well
// (pkg/certauthorization/certauthorization.go).
func sign(signer string) permit.Act { return act("approve", "signers", "", signer) }

// The acts that issuing may consist of.
var (
	create      = act("create", requests, "", "")
	get         = act("get", requests, "", "")
	watch       = act("watch", requests, "", "")
	withdraw    = act("delete", requests, "", "")
	approve     = act("update", requests, "approval", "")
	signDomain  = act("approve", "signers", "", "kubernetes.io/*")
	bind        = permit.Act{Verb: "create", Group: rbacv1.GroupName, Version: "v1", Resource: "clusterrolebindings"}
	readBinding = permit.Act{Verb: "get", Group: rbacv1.GroupName, Version: "v1", Resource: "clusterrolebindings", Name: catalog.KubeadmAdmins}
	bindAdmin   = permit.Act{Verb: "bind", Group: rbacv1.GroupName, Version: "v1", Resource: "clusterroles", Name: clusterAdmin}

	required = []permit.Act{create, get, watch}
	helpful  = []permit.Act{withdraw, approve, signDomain}
	toBind   = []permit.Act{bind, bindAdmin}
)

// Prepare asks the cluster, all at once, what carrying out request takes:
// what the caller may do, which group administrators are in, and by which CA
// client certificates are verified. Only where a binding turns out to be
// missing is it asked once more. Nothing is changed. The error names every
// permission that is missing.
func Prepare(ctx context.Context, client kubernetes.Interface, allowed Allowed, request Request) (*Plan, error) {
	if err := request.Validate(); err != nil {
		return nil, err
	}
	request.Signer = cmp.Or(request.Signer, SignerName)
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	plan := &Plan{Request: request}
	may := permit.Known{}
	var admins adminGroup
	var adminsErr error

	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return may.Ask(groupCtx, allowed, slices.Concat(required, helpful, request.Also, []permit.Act{sign(request.Signer)}))
	})
	group.Go(func() (err error) {
		plan.ClientCA, err = ReadClientCA(groupCtx, client)
		return err
	})
	if request.AdminGroup {
		group.Go(func() error {
			admins, adminsErr = findAdminGroup(groupCtx, client)
			if apierrors.IsForbidden(adminsErr) {
				return nil // named below, with all else that is missing
			}
			return adminsErr
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}

	needed := slices.Concat(required, request.Also)
	if request.AdminGroup {
		plan.Subject.Organizations = append(plan.Subject.Organizations, admins.name)
		plan.Binding = admins.missing
	}
	if adminsErr != nil {
		needed = append(needed, readBinding)
	} else if plan.Binding != nil {
		if err := may.Ask(ctx, allowed, toBind); err != nil {
			return nil, err
		}
		needed = append(needed, toBind...)
	}
	plan.MayApprove = may[approve] && (may[sign(request.Signer)] || may[signDomain])
	plan.MayWithdraw = may[withdraw]
	return plan, permit.NewMissing(may.Lacking(needed), advice(needed))
}

// For returns the plan for another request that is like the one it was made
// for: the same signer and the same acts, and no group of administrators.
func (p *Plan) For(request Request) (*Plan, error) {
	if err := request.Validate(); err != nil {
		return nil, err
	}
	other := *p
	other.Request, other.Binding = request, nil
	other.Signer, other.Also = p.Signer, p.Also
	return &other, nil
}

// advice for those who may not do all that is needed.
func advice(needed []permit.Act) string {
	text := "ask an administrator for a ClusterRole with these permissions, or to issue the certificate for you"
	if slices.Contains(needed, readBinding) {
		text += "; with --group, you need not read bindings"
	}
	return text
}

// ReadClientCA reads what the API server verifies client certificates against. It
// returns none, and no error, where the caller cannot see it.
func ReadClientCA(ctx context.Context, client kubernetes.Interface) ([]*x509.Certificate, error) {
	const name, key = "extension-apiserver-authentication", "client-ca-file"
	config, err := client.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's client CA (ConfigMap kube-system/%s): %w", name, err)
	}
	if config.Data[key] == "" {
		return nil, hint.New(fmt.Sprintf("the API server accepts no client certificates: ConfigMap kube-system/%s has no %s", name, key),
			"start the API server with --client-ca-file")
	}
	certs, err := pki.ParseCertificates([]byte(config.Data[key]))
	if len(certs) == 0 {
		return nil, fmt.Errorf("reading the cluster's client CA (ConfigMap kube-system/%s#%s): %w", name, key, err)
	}
	return certs, nil
}

const clusterAdmin = "cluster-admin"

// adminGroup is a group of administrators, and the binding that it still
// lacks.
type adminGroup struct {
	name    string
	missing *rbacv1.ClusterRoleBinding
}

// findAdminGroup returns kubeadm's group of administrators where it is bound,
// and otherwise a group of our own.
func findAdminGroup(ctx context.Context, client kubernetes.Interface) (adminGroup, error) {
	for _, name := range []string{catalog.KubeadmAdmins, catalog.OwnAdmins} {
		binding, err := client.RbacV1().ClusterRoleBindings().Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			continue
		case err != nil:
			return adminGroup{}, fmt.Errorf("finding the administrators' group: %w", err)
		case bindsAdmin(binding, name):
			return adminGroup{name: name}, nil
		case name == catalog.OwnAdmins:
			// A roleRef cannot be changed, and someone chose this one.
			return adminGroup{}, hint.New(
				fmt.Sprintf("ClusterRoleBinding %q exists, but does not bind group %q to ClusterRole cluster-admin", name, name),
				"delete that binding, or name another group with --group")
		}
	}
	return adminGroup{name: catalog.OwnAdmins, missing: newAdminBinding()}, nil
}

// bindsAdmin reports whether binding gives group the ClusterRole cluster-admin.
func bindsAdmin(binding *rbacv1.ClusterRoleBinding, group string) bool {
	if binding.RoleRef.Kind != "ClusterRole" || binding.RoleRef.Name != clusterAdmin {
		return false
	}
	for _, s := range binding.Subjects {
		if s.Kind == rbacv1.GroupKind && s.Name == group {
			return true
		}
	}
	return false
}

func newAdminBinding() *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{
			Name:   catalog.OwnAdmins,
			Labels: map[string]string{ManagedByLabel: ManagedBy},
		},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: clusterAdmin},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: catalog.OwnAdmins}},
	}
}

// createBinding makes the binding that plan still lacks. Someone who made the
// same one meanwhile is no obstacle.
func createBinding(ctx context.Context, client kubernetes.Interface, binding *rbacv1.ClusterRoleBinding) error {
	_, err := client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating ClusterRoleBinding %q: %w", binding.Name, err)
	}
	return nil
}
