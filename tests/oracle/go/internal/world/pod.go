package world

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// never is later than the end of every world.
const never = 1 << 40

// pod is the life of one Pod, planned when it is made; all times in whole seconds, as the API has them.
type pod struct {
	name     string
	start    int // the kubelet knows it, and reports for the first time
	running  int // its containers run
	ready    int
	unready  []span // later: it was ready, and for these times it is not
	ends     int    // its containers end
	ending   corev1.PodPhase
	deleting int
	gone     int
	silent   bool // the kubelet's condition or start time is missing although it runs
	spec     corev1.PodSpec
}

func (p *pod) deleted(second int) bool { return p.deleting <= second }

func (p *pod) ended(second int) bool { return p.ends <= second }

// serves tells whether it takes its part of the load.
func (p *pod) serves(second int) bool {
	ready, _ := p.readiness(second)
	return ready && !p.ended(second)
}

func (p *pod) phase(second int) corev1.PodPhase {
	switch {
	case p.ended(second):
		return p.ending
	case p.running <= second:
		return corev1.PodRunning
	}
	return corev1.PodPending
}

// readiness is the Ready condition and when it changed last. It begins as false when the kubelet first reports.
func (p *pod) readiness(second int) (ready bool, since int) {
	if p.ended(second) && p.ending != corev1.PodUnknown { // of a lost node nothing new is heard
		return false, p.ends
	}
	if second < p.ready {
		return false, p.start
	}
	ready, since = true, p.ready
	for _, each := range p.unready {
		if each.from <= second && each.from >= since {
			ready, since = false, each.from
		}
		if each.to <= second && each.to >= since {
			ready, since = true, each.to
		}
	}
	return ready, since
}

// object is the Pod as the controller's lister has it.
func (p *pod) object(epoch time.Time, second int) *corev1.Pod {
	object := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: p.name, Namespace: corev1.NamespaceDefault, Labels: map[string]string{"app": Target}},
		Spec:       p.spec,
		Status:     corev1.PodStatus{Phase: p.phase(second)},
	}
	if p.deleted(second) {
		object.DeletionTimestamp = ptr.To(instant(epoch, p.deleting))
	}
	if second < p.start {
		return object
	}
	ready, since := p.readiness(second)
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	object.Status.StartTime = ptr.To(instant(epoch, p.start))
	object.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: status, LastTransitionTime: instant(epoch, since)}}
	if p.silent && p.start%2 == 0 {
		object.Status.StartTime = nil
	} else if p.silent {
		object.Status.Conditions = nil
	}
	return object
}

func instant(epoch time.Time, second int) metav1.Time {
	return metav1.NewTime(epoch.Add(time.Duration(second) * time.Second))
}
