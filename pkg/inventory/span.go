package inventory

import (
	"fmt"
	"math"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
)

// Span says how long it is from one moment to a later one, as kubectl does.
// Certificates may be valid to the year 9999, and a time.Duration ends at 292
// years.
func Span(from, to time.Time) string {
	d := to.Sub(from)
	if d == math.MaxInt64 {
		return fmt.Sprintf("%dy", to.UTC().Year()-from.UTC().Year())
	}
	return duration.HumanDuration(d)
}
