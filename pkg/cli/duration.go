package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// lifetime is a flag for a duration that people also give in days: 8h, 30d.
type lifetime time.Duration

// Set implements pflag.Value.
func (l *lifetime) Set(text string) error {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return fmt.Errorf("%q is not a whole number of days such as 30d", text)
		}
		*l = lifetime(time.Duration(n) * 24 * time.Hour)
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a duration: use 8h, 90m or 30d", text)
	}
	*l = lifetime(d)
	return nil
}

// String implements pflag.Value: "30d" and "24h" rather than "24h0m0s". Zero,
// which no life is, shows as no default in help.
func (l *lifetime) String() string {
	if *l == 0 {
		return ""
	}
	return humanLife(time.Duration(*l))
}

// humanLife renders a duration in the largest units that are exact: days from
// three on, else hours, minutes and seconds.
func humanLife(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 3*day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	text := d.String()
	if d%time.Minute == 0 && d != 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d%time.Hour == 0 && d != 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// humanLeft renders what is left of a life: in days and hours, or in hours and
// minutes, rounded down.
func humanLeft(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 3*day {
		return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
	}
	return humanLife(d.Truncate(time.Minute))
}

// Type implements pflag.Value.
func (l *lifetime) Type() string { return "DURATION" }
