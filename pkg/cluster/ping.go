package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-certs/kubectl-certs/pkg/netfault"
)

// mostPings is how many servers are asked at once.
const mostPings = 32

// Pinger asks the servers of a kubeconfig's contexts who the caller is there.
type Pinger struct {
	raw     clientcmdapi.Config
	access  clientcmd.ConfigAccess
	options Options
	timeout time.Duration
	// runPlugins says that credential plugins may be run.
	runPlugins bool
	turn       chan struct{}
	// users are those with a credential plugin: several contexts of one run it
	// one after the other, and not again when it has failed.
	users map[string]*pluginUser
}

type pluginUser struct {
	mu     sync.Mutex
	failed *PluginError // guarded by mu
}

// NewPinger reads the kubeconfig that flags choose, once for all its contexts.
// A server has timeout to answer, unless the flags say otherwise. Contexts whose
// users have a credential plugin are left out, unless runPlugins is set.
func NewPinger(flags *genericclioptions.ConfigFlags, options Options, timeout time.Duration, runPlugins bool) (*Pinger, error) {
	loader, raw, err := load(flags)
	if err != nil {
		return nil, err
	}
	if text := flagOr(flags.Timeout, ""); text != "" && text != "0" {
		if timeout, err = clientcmd.ParseTimeout(text); err != nil {
			return nil, fmt.Errorf("reading --request-timeout: %w", err)
		}
	}
	users := map[string]*pluginUser{}
	for name := range raw.AuthInfos {
		users[name] = &pluginUser{}
	}
	return &Pinger{
		raw: raw, access: loader.ConfigAccess(), options: options, timeout: timeout, runPlugins: runPlugins,
		turn: make(chan struct{}, mostPings), users: users,
	}, nil
}

// Fault is the kind of reason for which a ping failed.
type Fault string

// The faults.
const (
	Unreachable Fault = "unreachable" // or no answer could be made sense of
	Untrusted   Fault = "untrusted"   // the server's certificate cannot be verified
	Refused     Fault = "refused"     // the server does not let the caller in
	Plugin      Fault = "plugin"      // the user's credential plugin failed, or may not run
	Skipped     Fault = "skipped"     // the user has a credential plugin, which was not to be run
)

// Faults lists every Fault.
func Faults() []Fault { return []Fault{Unreachable, Untrusted, Refused, Plugin, Skipped} }

// Answer is what came of a ping: who the caller is to the server, or, in plain
// words, why that is not known.
type Answer struct {
	User   string
	Groups []string
	Fault  Fault
	Err    error
}

// Ping asks the server of one context. It may be called for several at once.
func (p *Pinger) Ping(ctx context.Context, name string, now func() time.Time) Answer {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	config, err := clientcmd.NewNonInteractiveClientConfig(p.of(name), name, &clientcmd.ConfigOverrides{}, p.access).ClientConfig()
	if err != nil {
		return Answer{Fault: Unreachable, Err: err}
	}
	if config.ExecProvider != nil && !p.runPlugins {
		return Answer{Fault: Skipped, Err: fmt.Errorf("skipped: its user runs the program %q", config.ExecProvider.Command)}
	}
	p.options.apply(config)
	config.Timeout = p.timeout
	c := &Cluster{Context: name}
	if c.Server, c.UserInfo, err = address(config.Host); err != nil {
		return Answer{Fault: Unreachable, Err: err}
	}
	// Only for the words of an error: what cannot be read is one below.
	c.CA, _ = dataOrFile(config.CAData, config.CAFile)
	c.ClientCertificate, _ = dataOrFile(config.CertData, config.CertFile)
	client, err := newClient(config, p.options.Plugins)
	if err != nil {
		return Answer{Fault: Refused, Err: err}
	}
	review, err := p.review(ctx, name, client, config)
	if err != nil {
		return Answer{Fault: faultOf(err), Err: c.Explain(err, now())}
	}
	return Answer{User: review.Status.UserInfo.Username, Groups: append([]string{}, review.Status.UserInfo.Groups...)}
}

// of returns what the kubeconfig says of one context, copied: clientcmd writes
// into the exec section that it reads (InstallHint, StdinUnavailable), and the
// contexts of one user are asked at the same time.
func (p *Pinger) of(name string) clientcmdapi.Config {
	one := *clientcmdapi.NewConfig()
	context, ok := p.raw.Contexts[name]
	if !ok {
		return one
	}
	one.Contexts[name] = context.DeepCopy()
	if cluster, ok := p.raw.Clusters[context.Cluster]; ok {
		one.Clusters[context.Cluster] = cluster.DeepCopy()
	}
	if user, ok := p.raw.AuthInfos[context.AuthInfo]; ok {
		one.AuthInfos[context.AuthInfo] = user.DeepCopy()
	}
	return one
}

// review asks who the caller is.
func (p *Pinger) review(ctx context.Context, name string, client kubernetes.Interface, config *rest.Config) (*authenticationv1.SelfSubjectReview, error) {
	ask := func() (*authenticationv1.SelfSubjectReview, error) {
		return client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	}
	if config.ExecProvider == nil {
		return ask()
	}
	user := p.users[p.raw.Contexts[name].AuthInfo]
	user.mu.Lock()
	defer user.mu.Unlock()
	if user.failed != nil {
		return nil, user.failed
	}
	review, err := ask()
	user.failed, _ = errors.AsType[*PluginError](err)
	return review, err
}

func faultOf(err error) Fault {
	if _, ok := errors.AsType[*PluginError](err); ok {
		return Plugin
	}
	if apierrors.IsUnauthorized(err) || apierrors.IsForbidden(err) {
		return Refused
	}
	switch fault, _ := netfault.Of(err); fault.Kind {
	case netfault.ServerUntrusted:
		return Untrusted
	case netfault.ClientRefused, netfault.ProxyLogin:
		return Refused
	}
	return Unreachable
}
