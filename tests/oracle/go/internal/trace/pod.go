package trace

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelpers "k8s.io/component-helpers/resource"
	"k8s.io/utils/ptr"
)

// FromPod is a Pod as a trace has it; byContainer: with the requests of each container too.
func FromPod(pod *corev1.Pod, epoch time.Time, byContainer bool) Pod {
	line := Pod{
		Name: pod.Name, Phase: pod.Status.Phase, Deleting: pod.DeletionTimestamp != nil, Requests: podRequests(pod),
	}
	if pod.Status.StartTime != nil {
		line.Start = ptr.To(Of(pod.Status.StartTime.Sub(epoch)))
	}
	for _, condition := range pod.Status.Conditions {
		line.Ready = condition.Status == corev1.ConditionTrue
		line.ReadyTransition = ptr.To(Of(condition.LastTransitionTime.Sub(epoch)))
	}
	if byContainer {
		line.ContainerRequests = map[string]corev1.ResourceList{}
		for _, container := range Lasting(pod) {
			line.ContainerRequests[container.Name] = container.Resources.Requests
		}
	}
	return line
}

// Lasting are the containers that run as long as the Pod: its own, and the init containers that are sidecars.
func Lasting(pod *corev1.Pod) []corev1.Container {
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
	containers := Lasting(pod)
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
