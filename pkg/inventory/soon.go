package inventory

import "time"

// ExpiresSoon reports whether a certificate that is valid from notBefore to
// notAfter is so near its end at now that CodeExpiresSoon speaks of it.
func ExpiresSoon(notBefore, notAfter, now time.Time) bool {
	left := notAfter.Sub(now)
	return left >= 0 && left < soonOf(notAfter.Sub(notBefore))
}

// soonOf returns how long before its end a certificate that lives for life
// expires soon.
func soonOf(life time.Duration) time.Duration { return min(soon, life/soonFraction) }
