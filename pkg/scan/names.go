package scan

// The sources, by the names that --sources takes and that locations have.
const (
	kubeconfigSource   = "kubeconfig"
	endpointSource     = "endpoint"
	trustSource        = "trust"
	kubeletsSource     = "kubelets"
	controlPlaneSource = "control-plane"
	webhooksSource     = "webhooks"
	secretsSource      = "secrets"
	requestsSource     = "requests"
	issuedSource       = "issued"
	filesSource        = "files"
	NodeFilesSource    = "node-files"
)

// SourceNames lists the names of all sources.
func SourceNames() []string {
	return []string{
		kubeconfigSource, endpointSource, trustSource, kubeletsSource, controlPlaneSource,
		webhooksSource, secretsSource, requestsSource, issuedSource, filesSource, NodeFilesSource,
	}
}
