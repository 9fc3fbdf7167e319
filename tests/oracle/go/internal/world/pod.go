package world

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	resourcehelpers "k8s.io/component-helpers/resource"
	"k8s.io/utils/ptr"

	"elastometer.dev/oracle/internal/trace"
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

// written is the Pod as a trace has it.
func written(pod *corev1.Pod, epoch time.Time, byContainer bool) trace.Pod {
	line := trace.Pod{
		Name: pod.Name, Phase: pod.Status.Phase, Deleting: pod.DeletionTimestamp != nil, Requests: podRequests(pod),
	}
	if pod.Status.StartTime != nil {
		line.Start = ptr.To(trace.Of(pod.Status.StartTime.Sub(epoch)))
	}
	for _, condition := range pod.Status.Conditions {
		line.Ready = condition.Status == corev1.ConditionTrue
		line.ReadyTransition = ptr.To(trace.Of(condition.LastTransitionTime.Sub(epoch)))
	}
	if byContainer {
		line.ContainerRequests = map[string]corev1.ResourceList{}
		for _, container := range lasting(pod) {
			line.ContainerRequests[container.Name] = container.Resources.Requests
		}
	}
	return line
}

// lasting are the containers that run as long as the Pod: its own, and the init containers that are sidecars.
func lasting(pod *corev1.Pod) []corev1.Container {
	all := append([]corev1.Container{}, pod.Spec.Containers...)
	for _, container := range pod.Spec.InitContainers {
		if container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			all = append(all, container)
		}
	}
	return all
}

// podRequests is what counts for the whole Pod: its own requests where it has them, else the sum over its containers
// of each resource that none of them lacks.
func podRequests(pod *corev1.Pod) corev1.ResourceList {
	if resourcehelpers.IsPodLevelRequestsSet(pod) {
		return resourcehelpers.PodRequests(pod, resourcehelpers.PodResourcesOptions{})
	}
	sums, seen := corev1.ResourceList{}, map[corev1.ResourceName]int{}
	containers := lasting(pod)
	for _, container := range containers {
		for name, request := range container.Resources.Requests {
			sum := sums[name]
			sum.Add(*resource.NewMilliQuantity(request.MilliValue(), resource.DecimalSI))
			sums[name] = sum
			seen[name]++
		}
	}
	for name, count := range seen {
		if count < len(containers) {
			delete(sums, name)
		}
	}
	return sums
}
