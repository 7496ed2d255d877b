package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/kubeconfig"
	"github.com/kubectl-certs/kubectl-certs/pkg/regular"
)

// part is a file of what was issued.
type part struct {
	path   string
	render func(kubeconfig.Identity) ([]byte, error)
}

// outputs are the places that what was issued goes to: all of them, or none.
type outputs struct {
	app   *app
	parts []part
	set   *kubeconfig.Set
	// standard writes to standard output; nil for nothing.
	standard func(kubeconfig.Identity) ([]byte, error)
	// mergeInto is the user's own kubeconfig; nil for none.
	mergeInto *mergeTarget
	// context is what mergeInto will have of it; "" where it may be renamed.
	context string
	// madeDir is a directory that was made for the files.
	madeDir string
	// encrypted says that only somebody else can open it.
	encrypted bool
	// where says where it all is, and try is a kubeconfig to try; "" for none.
	where, try string
}

// openOutputs makes sure that everything can be written, and asks for the
// password that it takes, before anything is asked of the cluster. expected is
// what will be written, short of certificate and key.
func (a *app) openOutputs(ctx context.Context, f issueFlags, t target, expected kubeconfig.Identity) (*outputs, error) {
	o := &outputs{app: a}
	if err := o.plan(ctx, f, t, expected); err != nil {
		return nil, err
	}
	paths := make([]string, len(o.parts))
	for i, p := range o.parts {
		paths[i] = p.path
	}
	var err error
	if o.set, err = kubeconfig.ReserveAll(paths, f.force); err != nil {
		removeDirectory(o.madeDir)
		return nil, err
	}
	return o, nil
}

func (o *outputs) plan(ctx context.Context, f issueFlags, t target, expected kubeconfig.Identity) error {
	if f.merge {
		if f.requestFile != "" {
			return hint.New("there is no private key to merge: it stays with the requester", "omit --merge")
		}
		o.mergeInto = &mergeTarget{f.ownFiles, kubeconfig.Resolution(f.onConflict)}
		if err := o.mergeInto.check(expected); err != nil {
			return err
		}
		if o.mergeInto.resolve != kubeconfig.Rename {
			o.context = expected.Context()
		}
		o.says("your kubeconfig", "")
	}
	if f.p12 != "" {
		if err := o.addP12(ctx, f); err != nil {
			return err
		}
	}
	switch {
	case len(f.encryptTo) > 0:
		return o.addEncrypted(f, t)
	case f.out == "-":
		return o.addStandard(f)
	case isDirectory(f.out):
		return o.addDirectory(f, t, expected.CA)
	case f.out == "" && f.requestFile != "":
		return o.addStandard(f)
	case f.out != "" || f.p12 == "" && !f.merge:
		path := cmp.Or(f.out, f.base(t)+".kubeconfig")
		o.parts = append(o.parts, part{path, kubeconfig.Build})
		try := path
		if f.requestFile != "" {
			try = "" // nothing works without the key
		}
		o.says(path, try)
	}
	return nil
}

// says adds to where things are; try is a kubeconfig that works on its own.
func (o *outputs) says(where, try string) {
	if o.where != "" {
		where = o.where + " and " + where
	}
	o.where, o.try = where, cmp.Or(o.try, try)
}

func (o *outputs) addStandard(f issueFlags) error {
	if o.app.outIsTerminal && f.requestFile == "" {
		return hint.New("standard output is a terminal, and the private key would be shown on it", "pipe it to its destination, or name a file with --out")
	}
	o.standard = kubeconfig.Build
	o.says("the kubeconfig to standard output", "")
	return nil
}

// isDirectory reports whether out is a directory, or means one.
func isDirectory(out string) bool {
	if strings.HasSuffix(out, "/") || strings.HasSuffix(out, string(filepath.Separator)) {
		return true
	}
	info, err := os.Stat(out)
	return out != "" && err == nil && info.IsDir()
}

// makeDirectory makes the directory, for the owner alone, if it is not there,
// and returns it if it did.
func makeDirectory(dir string) (made string, err error) {
	if _, err := os.Stat(dir); err == nil {
		return "", nil
	}
	if _, err := kubeconfig.MakeDirectory(dir, false); err != nil {
		return "", hint.Wrap(fmt.Errorf("creating directory %s: %w", dir, err), "name another directory with --out")
	}
	return dir, nil
}

// removeDirectory takes an empty directory back that was made for nothing.
func removeDirectory(made string) {
	if made != "" {
		_ = os.Remove(made)
	}
}

// makeDir makes the directory of the files.
func (o *outputs) makeDir(dir string) (err error) {
	o.madeDir, err = makeDirectory(dir)
	return err
}

// addDirectory writes the files that components conventionally read, and a
// kubeconfig that refers to them, so that they are read again when they change.
func (o *outputs) addDirectory(f issueFlags, t target, ca []byte) error {
	if f.requestFile != "" {
		return hint.New("a directory requires the private key, which stays with the requester", "name a file with --out, or omit it")
	}
	if err := o.makeDir(f.out); err != nil {
		return err
	}
	const caFile = "ca.crt"
	config, certificate, key := f.conventional(t)
	in := func(name string) string { return filepath.Join(f.out, name) }
	content := func(pick func(kubeconfig.Identity) []byte) func(kubeconfig.Identity) ([]byte, error) {
		return func(id kubeconfig.Identity) ([]byte, error) { return pick(id), nil }
	}
	if present, err := regular.ReadFile(in(caFile), maxInput); len(ca) > 0 && (err != nil || !bytes.Equal(present, ca)) {
		o.parts = append(o.parts, part{in(caFile), content(func(id kubeconfig.Identity) []byte { return id.CA })})
	}
	if certificate == key {
		o.parts = append(o.parts, part{in(key), content(func(id kubeconfig.Identity) []byte { return append(bytes.Clone(id.Certificate), id.Key...) })})
	} else {
		o.parts = append(o.parts,
			part{in(key), content(func(id kubeconfig.Identity) []byte { return id.Key })},
			part{in(certificate), content(func(id kubeconfig.Identity) []byte { return id.Certificate })})
	}
	o.parts = append(o.parts, part{in(config), func(id kubeconfig.Identity) ([]byte, error) {
		if len(ca) > 0 {
			id.CAFile = caFile
		}
		id.CertificateFile, id.KeyFile = certificate, key
		return kubeconfig.Build(id)
	}})
	o.says(fmt.Sprintf("%s, with %s and %s", in(config), certificate, caFile), in(config))
	if certificate != key {
		o.where = fmt.Sprintf("%s, with %s, %s and %s", in(config), certificate, key, caFile)
	}
	return nil
}

// Commit puts everything where it belongs.
func (o *outputs) Commit(ctx context.Context, id kubeconfig.Identity) error {
	data := make([][]byte, len(o.parts))
	for i, p := range o.parts {
		var err error
		if data[i], err = p.render(id); err != nil {
			return err
		}
	}
	if err := o.set.Commit(data...); err != nil {
		return err
	}
	if err := o.commitRest(ctx, id); err != nil {
		o.set.Undo()
		return err
	}
	o.madeDir = "" // it is not empty any more
	return nil
}

func (o *outputs) commitRest(ctx context.Context, id kubeconfig.Identity) error {
	if o.standard != nil {
		data, err := o.standard(id)
		if err != nil {
			return err
		}
		if _, err := o.app.out.Write(data); err != nil {
			return fmt.Errorf("writing the kubeconfig to standard output: %w", err)
		}
	}
	if o.mergeInto != nil {
		data, err := kubeconfig.Build(id)
		if err != nil {
			return err
		}
		return o.app.mergeOwn(ctx, *o.mergeInto, data)
	}
	return nil
}

// Discard gives up what was not written.
func (o *outputs) Discard() {
	o.set.Discard()
	removeDirectory(o.madeDir)
}
