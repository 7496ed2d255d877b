package kubeconfig

import (
	"context"
	"fmt"
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/yamledit"
)

// MergeInto merges incoming, the text of a self-contained kubeconfig, into the
// user's own through the safe writer, and says what that changed. Files comes
// from Locate; resolve is Always(...) or a function that asks; now is the
// clock.
//
// API for other rooms: `issue --merge` calls it with what Build made.
//
//	changes, err := kubeconfig.MergeInto(ctx, kubeconfig.Locate(explicit, env, home),
//		data, kubeconfig.Always(kubeconfig.Fail), a.now)
//
// Changes are lines for a person (Change.String) and know the names that were
// given where the policy renamed. On an error no file was changed, unless the
// error says so. A *ConflictsError, with a hint, lists conflicts that were not
// resolved.
func MergeInto(ctx context.Context, files Files, incoming []byte, resolve ConflictPolicy, now func() time.Time) ([]Change, error) {
	in, err := Parse("", string(incoming))
	if err != nil {
		return nil, err
	}
	var changes []Change
	_, err = Update{Files: files, Now: now, Change: func(c *Config) (err error) {
		changes, err = c.Merge(in, resolve)
		return err
	}}.Run(ctx)
	if err != nil {
		return nil, err
	}
	return changes, nil
}

// UpdateUser replaces the client certificate and key of a user, both PEM, in
// the file that the user stands in, through the safe writer; everything else
// in that file stays. Where the user's entry embeds them they are embedded;
// where it names files, those files are replaced (key first, so that the worst
// that a crash leaves is a pair that does not fit, and the new key is there).
//
// API for other rooms: `renew` calls it with what was issued.
//
//	changes, err := kubeconfig.UpdateUser(ctx, files, "alice", issued.CertificatePEM, issued.Key, a.now)
func UpdateUser(ctx context.Context, files Files, user string, certificate, key []byte, now func() time.Time) ([]Change, error) {
	c, err := Load(files)
	if err != nil {
		return nil, err
	}
	e, err := c.Find(UserEntry, user)
	if err != nil {
		return nil, err
	}
	certificateFile, keyFile := e.Path("client-certificate"), e.Path("client-key")
	if e.Text("client-certificate-data") == "" && e.Text("client-key-data") == "" && certificateFile != "" && keyFile != "" {
		return replaceFiles(certificateFile, keyFile, certificate, key)
	}
	var changes []Change
	_, err = Update{Files: files, Now: now, Change: func(c *Config) (err error) {
		changes, err = c.SetCredential(user, certificate, key)
		return err
	}}.Run(ctx)
	return changes, err
}

// replaceFiles replaces a key and its certificate, which a kubeconfig names.
func replaceFiles(certificateFile, keyFile string, certificate, key []byte) ([]Change, error) {
	if certificateFile == keyFile {
		certificate = append(append([]byte(nil), certificate...), key...)
	}
	cert, err := Reserve(certificateFile, true)
	if err != nil {
		return nil, err
	}
	defer cert.Discard()
	// Both are on the disk before either has its name.
	if err := cert.fill(string(certificate)); err != nil {
		return nil, err
	}
	var changes []Change
	if certificateFile != keyFile {
		file, err := Reserve(keyFile, true)
		if err != nil {
			return nil, err
		}
		if err := file.Commit(key); err != nil {
			return nil, err
		}
		changes = append(changes, Change{Replaced, "client-key", keyFile, "", keyFile})
	}
	if err := cert.finish(); err != nil {
		return changes, hint.Wrap(fmt.Errorf("the private key was replaced, but not its certificate: %w", err), "issue a new one")
	}
	return append(changes, Change{Replaced, "client-certificate", certificateFile, "", certificateFile}), nil
}

// SetCredential gives a user another client certificate and key, embedded.
// Nothing else that the user could log in with stays, except what is unknown.
func (c *Config) SetCredential(user string, certificate, key []byte) ([]Change, error) {
	e, err := c.Find(UserEntry, user)
	if err != nil {
		return nil, err
	}
	err = c.setFields(e,
		yamledit.Field{Key: "client-certificate"},
		yamledit.Field{Key: "client-certificate-data", Value: yamledit.String(encode(certificate))},
		yamledit.Field{Key: "client-key"},
		yamledit.Field{Key: "client-key-data", Value: yamledit.String(encode(key))})
	if err != nil {
		return nil, err
	}
	return []Change{{Changed, "user", user, "", e.In.Path}}, nil
}
