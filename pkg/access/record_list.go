package access

import (
	"time"

	"github.com/kubectl-certs/kubectl-certs/pkg/inventory"
)

// RecordsKind is the kind that a list of records is written as.
const RecordsKind = "IssuedCertificateList"

// RecordList is the certificates that were issued, by the cluster's records. It is
// the output contract of `kubectl certs users -o json`.
type RecordList struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// TakenAt is the time that it is as of.
	TakenAt time.Time `json:"takenAt"`
	// Items are the certificates, the newest last. An item is identified by
	// name, and by sha256 unless it is damaged.
	Items []ListedRecord `json:"items"`
}

// ListedRecord is a record as it stands at one moment. It is identified by name,
// which is the same in every run, and by sha256 unless it is damaged.
type ListedRecord struct {
	Record
	// Status is valid; expired; ended, where the user's access was taken back and the
	// certificate names them until it expires; damaged, where the record is not what
	// its certificate says; or unrecorded, where only the request tells of it.
	Status RecordStatus `json:"status"`
}

// RecordStatus says what a recorded certificate is good for.
type RecordStatus string

// The statuses of records.
const (
	RecordValid      RecordStatus = "valid"
	RecordExpired    RecordStatus = "expired"
	RecordEnded      RecordStatus = "ended"      // the user's access was taken back; the certificate still names them
	RecordDamaged    RecordStatus = "damaged"    // the record is not what its certificate says
	RecordUnrecorded RecordStatus = "unrecorded" // only the request tells of it
)

// RecordStatuses lists every RecordStatus.
func RecordStatuses() []RecordStatus {
	return []RecordStatus{RecordValid, RecordExpired, RecordEnded, RecordDamaged, RecordUnrecorded}
}

// NewRecordList lists records as they stand at now.
func NewRecordList(records []Record, now time.Time) *RecordList {
	list := &RecordList{APIVersion: inventory.APIVersion, Kind: RecordsKind, TakenAt: now.UTC().Truncate(time.Second), Items: []ListedRecord{}}
	for _, r := range records {
		list.Items = append(list.Items, ListedRecord{r, r.StatusAt(now)})
	}
	return list
}

// StatusAt is r's status at now.
func (r Record) StatusAt(now time.Time) RecordStatus {
	switch {
	case len(r.Damaged) > 0:
		return RecordDamaged
	case r.Unrecorded && now.Before(r.NotAfter):
		return RecordUnrecorded
	case now.After(r.NotAfter):
		return RecordExpired
	case r.Ended != nil:
		return RecordEnded
	}
	return RecordValid
}
