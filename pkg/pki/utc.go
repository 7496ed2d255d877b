package pki

import "time"

// UTC is t in UTC, within the years that RFC 3339 can write. A certificate may
// say 9999-12-31 of another time zone, which is the year 10000 here: a time that
// encoding/json refuses, and with it all of the output.
func UTC(t time.Time) time.Time {
	t = t.UTC()
	switch year := t.Year(); {
	case year > 9999:
		return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	case year < 0:
		return time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return t
}
