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
			return fmt.Errorf("%q is no number of days", text)
		}
		*l = lifetime(time.Duration(n) * 24 * time.Hour)
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is no duration: write 8h, 90m or 30d", text)
	}
	*l = lifetime(d)
	return nil
}

// String implements pflag.Value: "24h" rather than "24h0m0s".
func (l *lifetime) String() string {
	text := time.Duration(*l).String()
	text = strings.TrimSuffix(text, "0s")
	if text == "" {
		return "0s"
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Type implements pflag.Value.
func (l *lifetime) Type() string { return "duration" }
