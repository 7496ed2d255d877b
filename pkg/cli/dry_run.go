package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// The values of --dry-run are kubectl's: client shows what would be done, server
// also lets the API server validate it.
const (
	dryRunNone   = "none"
	dryRunClient = "client"
	dryRunServer = "server"
)

// dryRunValue is a --dry-run flag. Alone it means client, as in kubectl before
// the flag had values.
type dryRunValue struct {
	value   string
	allowed []string
	set     func(string)
}

func (v *dryRunValue) String() string { return v.value }
func (v *dryRunValue) Type() string   { return "string" }

func (v *dryRunValue) Set(text string) error {
	if !slices.Contains(v.allowed, text) {
		return fmt.Errorf("must be one of %s", strings.Join(v.allowed, ", "))
	}
	v.value = text
	v.set(text)
	return nil
}

func addDryRun(flags *pflag.FlagSet, usage string, allowed []string, set func(string)) {
	flags.Var(&dryRunValue{dryRunNone, allowed, set}, "dry-run", usage)
	flags.Lookup("dry-run").NoOptDefVal = dryRunClient
}

// dryRunFlag adds --dry-run to a command that has nothing for an API server to
// validate.
func dryRunFlag(flags *pflag.FlagSet) *bool {
	on := new(bool)
	addDryRun(flags, "`STRATEGY`: none or client (show what would be done, change nothing)", []string{dryRunNone, dryRunClient},
		func(value string) { *on = value != dryRunNone })
	return on
}
