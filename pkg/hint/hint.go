// Package hint joins to an error the advice that lets its reader go on.
package hint

import "errors"

type hinted struct {
	error
	hint string
}

func (h hinted) Unwrap() error { return h.error }

// Wrap returns err with advice for the person who reads it: a whole clause in
// the imperative ("pass --force to replace it"). A nil err stays nil. Advice
// that err already carries is nearer to the cause and is kept.
func Wrap(err error, advice string) error {
	if err == nil || advice == "" || Of(err) != "" {
		return err
	}
	return hinted{err, advice}
}

// New returns an error that says message, with advice.
func New(message, advice string) error {
	return hinted{errors.New(message), advice}
}

// Of returns the advice that err, or an error it wraps, carries, or "".
func Of(err error) string {
	if h, ok := errors.AsType[hinted](err); ok {
		return h.hint
	}
	return ""
}
