package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-certs/kubectl-certs/pkg/cluster"
	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
	"github.com/kubectl-certs/kubectl-certs/pkg/nodepod"
	"github.com/kubectl-certs/kubectl-certs/pkg/report"
	"github.com/kubectl-certs/kubectl-certs/pkg/scan"
)

// filesTimeout bounds the reading of files.
const filesTimeout = time.Minute

// allNodes is what --node-files means without names.
const allNodes = "*"

// releasedImage is this program's image of this version, with registry and
// digest. The linker sets it at a release (see the Makefile, RELEASE_IMAGE); no
// other build has an image that could be trusted by its name.
var releasedImage = ""

// programInImage is this program in its image, as image/Dockerfile puts it there.
const programInImage = "/kubectl-certs"

// readFilesCommand is what runs in a pod on a node.
const readFilesCommand = "read-files"

// fileFlags are the flags that choose files, here or on nodes.
type fileFlags struct {
	files     []string
	nodeFiles []string
	image     string
}

func (f *fileFlags) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.files, "files", nil, "Read this local `PATH`, and the paths among the arguments, instead of a cluster: files, directories, - for standard input")
	flags.StringSliceVar(&f.nodeFiles, "node-files", nil, "Also read the files on these `NODES` (default: all), with a short-lived pod on each")
	flags.Lookup("node-files").NoOptDefVal = allNodes
	flags.StringVar(&f.image, "image", releasedImage, "This program's `IMAGE`, for --node-files: REGISTRY/NAME@sha256:DIGEST")
}

// validate finds flags that do not go together.
func (f *fileFlags) validate() error {
	switch {
	case slices.Contains(f.files, ""):
		return hint.New("--files is empty", "name files or directories, or - for standard input; omit --files to read the cluster")
	case len(f.files) > 0 && len(f.nodeFiles) > 0:
		return hint.New("--files reads local files, --node-files those of a cluster", "use one of them")
	case len(f.nodeFiles) == 0 && f.image != releasedImage:
		return hint.New("--image requires --node-files", "add --node-files")
	case len(f.nodeFiles) > 0 && f.image == "" && releasedImage == "":
		return hint.New("--node-files needs --image: this build has no released image",
			"build one with make image, push it to your registry, and specify it: --image REGISTRY/NAME@sha256:DIGEST")
	case len(f.nodeFiles) > 0 && f.image == "":
		return hint.New("--image is empty", "omit it, or specify an image of this program")
	}
	return nil
}

// digest is how an image is named that nobody can replace (the distribution
// specification's grammar of references).
var digest = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)

// imageFault says why the name of an image does not say for sure what runs; ""
// where it does.
func imageFault(image string) string {
	name, _, _ := strings.Cut(image, "@")
	host, _, path := strings.Cut(name, "/")
	switch {
	case !digest.MatchString(image):
		return "has no digest: anyone who can push to that name controls what runs as root on the nodes"
	case !path || !strings.ContainsAny(host, ".:") && host != "localhost":
		return "names no registry: each node decides where it is pulled from"
	}
	return ""
}

// chosenNodes are the nodes that are named; none for all of them.
func (f *fileFlags) chosenNodes() []string {
	return slices.DeleteFunc(slices.Clone(f.nodeFiles), func(name string) bool { return name == allNodes })
}

// filesSource returns the source that reads --files, which has to exist. It
// needs no cluster.
func (a *app) filesSource(f *fileFlags) (scan.Source, error) {
	for _, path := range f.files {
		if path == "-" {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			if path, ok := errors.AsType[*fs.PathError](err); ok {
				err = path.Err
			}
			return scan.Source{}, hint.Wrap(fmt.Errorf("reading --files %s: %w", report.Printable(path), err), "name a file or a directory, or - for standard input")
		}
	}
	return scan.Files(f.files, a.in), nil
}

// scanFiles is scan without a cluster.
func (a *app) scanFiles(ctx context.Context, f *fileFlags, found *inventory.Collector) (*inventory.Inventory, error) {
	source, err := a.filesSource(f)
	if err != nil {
		return nil, err
	}
	read := []scan.Source{source}
	found.Sources = []string{source.Name}
	progress := a.startScanProgress(read, found)
	scan.Run(ctx, filesTimeout, read, found, progress.done)
	progress.stop()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return found.Inventory(inventory.Cluster{}), nil
}

// nodeFilesSource returns the source that reads the files on nodes, and a
// function that tells afterwards of pods which could not be removed. namespace is
// what --namespace says, "" for kube-system: others seldom let pods read their
// node's files.
func (a *app) nodeFilesSource(c *cluster.Cluster, namespace string, f *fileFlags) (source scan.Source, left func() error) {
	if namespace == "" {
		namespace = metav1.NamespaceSystem
	}
	if fault := imageFault(f.image); fault != "" {
		a.say("warning: image %s %s\n", f.image, fault)
	}
	a.say("reading files on nodes with a short-lived pod on each, in namespace %s (image %s)\n", namespace, f.image)
	runner := &nodepod.Runner{
		Client: c.Client, Allowed: c.Allowed, Namespace: namespace,
		Image: f.image, Command: []string{programInImage, readFilesCommand},
	}
	return scan.NodeFiles(c.Client, runner.Ready, runner.Read, f.chosenNodes()...), runner.Left
}

// newReadFiles is what the pods run: it prints certificates, and nothing else
// that files hold. The form of its output is not for people.
func (a *app) newReadFiles() *cobra.Command {
	return &cobra.Command{
		Use:    readFilesCommand + " DIRECTORY...",
		Short:  "Print the certificates in files for another kubectl certs to read",
		Hidden: true,
		Args:   cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := scan.WriteFiles(cmd.Context(), args, a.out); err != nil {
				return fmt.Errorf("writing the output: %w", err)
			}
			return nil
		},
	}
}
