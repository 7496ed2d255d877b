package access

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kubectl-certs/kubectl-certs/pkg/hint"
	"github.com/kubectl-certs/kubectl-certs/pkg/permit"
)

// recordOffboarded is RecordLabel of a mark.
const recordOffboarded = "offboarded"

// markPrefix begins the name of each mark.
const markPrefix = "certs-offboarded-"

// mark is what offboarding leaves in the cluster for good, one ConfigMap a
// user: records exist only of what this program issued.
type mark struct {
	// at is when the user was last offboarded, by whom; zero where never.
	at time.Time
	by string
	// reinstated is when an administrator took that back; zero where never
	// since.
	reinstated time.Time
	// approver says that the user could approve requests.
	approver bool
	// damaged says that it cannot be read, and so counts as offboarded.
	damaged bool
}

func markName(user string) string { return markPrefix + digest(user)[:20] }

func readMark(from *corev1.ConfigMap) mark {
	m := mark{by: from.Data["offboardedBy"], approver: from.Data["approver"] == "true"}
	for key, into := range map[string]*time.Time{"offboardedAt": &m.at, "reinstatedAt": &m.reinstated} {
		if from.Data[key] == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, from.Data[key])
		m.damaged = m.damaged || err != nil
		*into = at.UTC()
	}
	m.damaged = m.damaged || m.at.IsZero() && m.reinstated.IsZero()
	return m
}

// Standing says whether a user's access was ended, as far as the cluster
// remembers.
type Standing struct {
	User string
	// EndedAt is when it was last ended, EndedBy by whom; zero where never.
	EndedAt time.Time
	EndedBy string
	// Ended says that nobody has reinstated the user since. Another
	// certificate alone does not: it may be one that renewed itself.
	Ended bool
	// Unread is why the cluster's memory could not be read; nil where it was.
	Unread error
}

// Standing returns the standing of user, where the records of all users, or of
// this one, were read.
func (r *Records) Standing(user string) Standing {
	m, marked := r.marks[markName(user)]
	s := Standing{User: user, EndedAt: m.at, EndedBy: m.by, Ended: marked && m.damaged}
	for _, record := range r.Items {
		if record.User == user && record.Ended != nil && record.Ended.After(s.EndedAt) {
			s.EndedAt, s.EndedBy = *record.Ended, ""
		}
	}
	s.Ended = s.Ended || !s.EndedAt.IsZero() && m.reinstated.Before(s.EndedAt)
	return s
}

// couldApprove reports whether the user could approve requests when they were
// offboarded.
func (r *Records) couldApprove(user string) bool { return r.marks[markName(user)].approver }

// ReadStanding finds out whether user was offboarded and not reinstated since.
// A caller who may not read the records is told in Unread; the user's own mark
// they may be able to read all the same.
func ReadStanding(ctx context.Context, client kubernetes.Interface, user string) Standing {
	records := Records{marks: map[string]mark{}}
	if strings.HasPrefix(user, systemPrefix) {
		return records.Standing(user) // the cluster's own are not offboarded
	}
	var own, labelled *corev1.ConfigMapList
	var ownErr, labelledErr error
	var group errgroup.Group
	group.Go(func() error {
		own, ownErr = listConfigMaps(ctx, client, metav1.ListOptions{FieldSelector: "metadata.name=" + markName(user)})
		return nil
	})
	group.Go(func() error {
		labelled, labelledErr = listConfigMaps(ctx, client, metav1.ListOptions{LabelSelector: Selector(user)})
		return nil
	})
	_ = group.Wait()
	for _, list := range []*corev1.ConfigMapList{own, labelled} {
		if list == nil {
			continue
		}
		for i := range list.Items {
			records.add(&list.Items[i], user, nil)
		}
	}
	s := records.Standing(user)
	if ownErr != nil && labelledErr != nil {
		s.Unread = ownErr
	}
	return s
}

// Refusal is an error if the user's access was ended. It says how to give it
// back on purpose.
func (s Standing) Refusal() error {
	if !s.Ended {
		return nil
	}
	text := fmt.Sprintf("user %q was offboarded", s.User)
	if !s.EndedAt.IsZero() {
		text += " on " + s.EndedAt.Format("2006-01-02 15:04 MST")
	}
	if s.EndedBy != "" {
		text += fmt.Sprintf(" by %q", s.EndedBy)
	}
	return hint.New(text, "to grant access again, another administrator runs: issue "+s.User+" --reinstate")
}

// MarkActs are what takes the right to write a mark.
func MarkActs() []permit.Act {
	return []permit.Act{
		{Verb: "patch", Version: "v1", Resource: "configmaps", Namespace: RecordNamespace},
		{Verb: "create", Version: "v1", Resource: "configmaps", Namespace: RecordNamespace},
	}
}

// Reinstate takes back that the user was offboarded, whether or not it is known
// that they were. Nobody reinstates themselves.
func (s Standing) Reinstate(ctx context.Context, client kubernetes.Interface, now time.Time) error {
	me, err := whoAmI(ctx, client)
	if err != nil {
		return err
	}
	if me == s.User {
		return hint.New(fmt.Sprintf("you are %q: you cannot reinstate yourself", me), "ask an administrator")
	}
	return writeMark(ctx, client, s.User, map[string]any{"reinstatedAt": now.UTC().Format(time.RFC3339), "reinstatedBy": me})
}

// markOffboarded writes down that the user was offboarded, and removes what a
// mark of before may say of a reinstatement. That the user could approve
// requests is never taken back: what they approved is there still.
func markOffboarded(ctx context.Context, client kubernetes.Interface, user, by string, approver bool, at time.Time) error {
	data := map[string]any{
		"offboardedAt": at.UTC().Format(time.RFC3339), "offboardedBy": by, "reinstatedAt": nil, "reinstatedBy": nil,
	}
	if approver {
		data["approver"] = "true"
	}
	return writeMark(ctx, client, user, data)
}

// writeMark changes data of the user's mark, and makes it where there is none;
// nil removes.
func writeMark(ctx context.Context, client kubernetes.Interface, user string, data map[string]any) error {
	ctx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	api := client.CoreV1().ConfigMaps(RecordNamespace)
	data["user"] = user
	meta := metav1.ObjectMeta{Name: markName(user), Namespace: RecordNamespace, Labels: labels(user), Annotations: map[string]string{UserAnnotation: user}}
	meta.Labels[RecordLabel] = recordOffboarded
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": meta.Labels, "annotations": meta.Annotations}, "data": data})
	if err != nil {
		return err
	}
	for range 2 { // another run may make it at the same moment
		_, err = api.Patch(ctx, meta.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
		if !apierrors.IsNotFound(err) {
			break
		}
		made := &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{}}
		for key, value := range data {
			if text, ok := value.(string); ok {
				made.Data[key] = text
			}
		}
		if _, err = api.Create(ctx, made, metav1.CreateOptions{FieldManager: fieldManager}); !apierrors.IsAlreadyExists(err) {
			break
		}
	}
	if apierrors.IsForbidden(err) {
		return permit.NewMissing([]string{permit.Describe(MarkActs()[0]), permit.Describe(MarkActs()[1])}, lackingAdvice)
	}
	if err != nil {
		return fmt.Errorf("writing ConfigMap %s/%s: %w", RecordNamespace, meta.Name, err)
	}
	return nil
}
