package cli

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
)

// version and commit are set by the linker (see the Makefile).
var (
	version = "v0.0.0-dev"
	commit  = "unknown"
)

type versionInfo struct {
	Version   string `json:"version"`
	Commit    string `json:"commit"`
	GoVersion string `json:"goVersion"`
	Platform  string `json:"platform"`
}

func (a *app) newVersion() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			return a.printVersion(output, versionInfo{version, commit, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "Output `FORMAT`: json or yaml")
	return cmd
}

func (a *app) printVersion(output string, info versionInfo) error {
	var text []byte
	var err error
	switch output {
	case "":
		text = fmt.Appendf(nil, "kubectl-certs %s (commit %s, %s, %s)\n", info.Version, info.Commit, info.GoVersion, info.Platform)
	case "json":
		text, err = json.MarshalIndent(info, "", "  ")
		text = append(text, '\n')
	case "yaml":
		text, err = yaml.Marshal(info)
	default:
		return hint.New(fmt.Sprintf("unknown output format %q", output), "use -o json or -o yaml")
	}
	if err != nil {
		return err
	}
	_, err = a.out.Write(text)
	return err
}
