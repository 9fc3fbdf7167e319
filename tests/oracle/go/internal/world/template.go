package world

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
)

// template makes the specs of a world's Pods: how many containers, and what they request.
type template struct {
	pod      corev1.PodSpec
	bare     float64 // chance that a Pod's first container requests nothing
	startup  func() (scheduled, pulled, warm int)
	stuck    float64 // chance that a Pod is never scheduled
	fails    float64
	flaps    float64
	silent   float64
	lifetime int
}

func drawTemplate(d dice, length int) template {
	cold := pick(d, 5, 15, 30, 60, 120, 240, 600)
	return template{
		pod:  drawPodSpec(d),
		bare: pick(d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.02, 0.3),
		startup: func() (int, int, int) {
			return d.between(0, 5), d.between(0, cold), d.between(0, cold)
		},
		stuck:    pick(d, 0, 0, 0, 0, 0.1, 0.4),
		fails:    pick(d, 0, 0, 0, 0, 0.1, 0.3),
		flaps:    pick(d, 0, 0, 0, 0.2, 0.6),
		silent:   pick(d, 0, 0, 0, 0, 0, 0.1),
		lifetime: length,
	}
}

func drawPodSpec(d dice) corev1.PodSpec {
	spec := corev1.PodSpec{Containers: []corev1.Container{{Name: Target, Resources: requests(d)}}}
	switch {
	case d.chance(0.2):
		spec.Containers = append(spec.Containers, corev1.Container{Name: "proxy", Resources: requests(d)})
	case d.chance(0.1):
		spec.InitContainers = []corev1.Container{
			{Name: "fetch", Resources: requests(d)},
			{Name: "proxy", Resources: requests(d), RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways)},
		}
	case d.chance(0.08):
		spec.Resources = ptr.To(requests(d))
		if d.chance(0.4) { // only the CPU, for the Pod and for its containers
			delete(spec.Resources.Requests, corev1.ResourceMemory)
			delete(spec.Containers[0].Resources.Requests, corev1.ResourceMemory)
		}
	}
	return spec
}

func requests(d dice) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse(pick(d, "100m", "250m", "1", "1", "2", "999m", "1m", "1500m", "0.333", "2", "500m", "0")),
		corev1.ResourceMemory: resource.MustParse(pick(d, "64Mi", "1Gi", "1500M", "1G", "16Gi", "123456789")),
	}}
}

// plan draws the life of a Pod that is made at this second.
func (t template) plan(d dice, name string, second int) *pod {
	scheduled, pulled, warm := t.startup()
	p := &pod{name: name, ends: never, deleting: never, gone: never, spec: *t.pod.DeepCopy(), silent: d.chance(t.silent)}
	p.start = second + scheduled
	p.running = p.start + pulled
	p.ready = p.running + warm
	switch {
	case d.chance(t.stuck) && d.chance(0.5):
		p.start, p.running, p.ready = never, never, never
	case d.chance(t.stuck):
		p.running, p.ready = never, never // its image cannot be pulled
	case d.chance(t.fails) && d.chance(0.3):
		p.ready = never // runs, and never gets ready
	case d.chance(t.fails):
		p.ends = p.running + d.between(0, t.lifetime)
		p.ending = pick(d, corev1.PodFailed, corev1.PodFailed, corev1.PodFailed, corev1.PodSucceeded, corev1.PodUnknown)
	}
	if d.chance(t.flaps) && p.ready < never {
		for at := p.ready; at < p.ready+t.lifetime && len(p.unready) < 20; {
			from := at + d.between(1, 400)
			at = from + d.between(1, 120)
			p.unready = append(p.unready, span{from, at})
		}
	}
	if d.chance(t.bare) {
		p.spec.Containers[0].Resources = corev1.ResourceRequirements{}
	}
	return p
}

// settle makes it a Pod that has long been running when the world begins.
func (p *pod) settle(d dice) {
	if p.ready == never {
		return
	}
	shift := p.ready + d.between(1, 4000)
	p.start, p.running, p.ready = p.start-shift, p.running-shift, p.ready-shift
}
