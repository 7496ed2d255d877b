package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// mostPings is how many servers are asked at once.
const mostPings = 32

// Pinger asks the servers of a kubeconfig's contexts who the caller is there.
type Pinger struct {
	raw       clientcmdapi.Config
	access    clientcmd.ConfigAccess
	userAgent string
	timeout   time.Duration
	turn      chan struct{}
}

// NewPinger reads the kubeconfig that flags choose, once for all its contexts.
// A server has timeout to answer, unless the flags say otherwise.
func NewPinger(flags *genericclioptions.ConfigFlags, userAgent string, timeout time.Duration) (*Pinger, error) {
	loader := flags.ToRawKubeConfigLoader()
	raw, err := loader.RawConfig()
	if err != nil {
		return nil, explainLoad(err, loader)
	}
	if text := flagOr(flags.Timeout, ""); text != "" && text != "0" {
		if timeout, err = clientcmd.ParseTimeout(text); err != nil {
			return nil, fmt.Errorf("reading --request-timeout: %w", err)
		}
	}
	return &Pinger{raw: raw, access: loader.ConfigAccess(), userAgent: userAgent, timeout: timeout, turn: make(chan struct{}, mostPings)}, nil
}

// Fault is the kind of reason for which a ping failed.
type Fault string

// The faults.
const (
	Unreachable Fault = "unreachable" // or no answer could be made sense of
	Untrusted   Fault = "untrusted"   // the server's certificate cannot be verified
	Refused     Fault = "refused"     // the server does not let the caller in
)

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
	config, err := clientcmd.NewNonInteractiveClientConfig(p.raw, name, &clientcmd.ConfigOverrides{}, p.access).ClientConfig()
	if err != nil {
		return Answer{Fault: Unreachable, Err: err}
	}
	config.UserAgent, config.Timeout = p.userAgent, p.timeout
	c := &Cluster{Context: name, Server: config.Host}
	// Only for the words of an error: what cannot be read is one below.
	c.CA, _ = dataOrFile(config.CAData, config.CAFile)
	c.ClientCertificate, _ = dataOrFile(config.CertData, config.CertFile)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return Answer{Fault: Refused, Err: err}
	}
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return Answer{Fault: faultOf(err), Err: c.Explain(err, now())}
	}
	return Answer{User: review.Status.UserInfo.Username, Groups: append([]string{}, review.Status.UserInfo.Groups...)}
}

func faultOf(err error) Fault {
	if apierrors.IsUnauthorized(err) || apierrors.IsForbidden(err) {
		return Refused
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return Untrusted
	}
	return Unreachable
}
