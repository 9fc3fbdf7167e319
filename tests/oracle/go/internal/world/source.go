package world

import (
	"math"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"elastometer.dev/oracle/internal/fake"
	"elastometer.dev/oracle/internal/trace"
)

// full is the factor of values of which two do not fit into 64 bits together.
const full = 1e15

// mostOfContainer is a use, in milli-units, of which a trace can still write the sum over a Pod's containers as text
// that reads back as the same number.
const mostOfContainer = 1e17

// source is where the values of one entry of spec.metrics come from.
type source struct {
	dice
	spec     autoscalingv2.MetricSpec
	level    func(demand, replicas float64) float64 // value over target, per replica
	factor   float64                                // what is odd about its size
	total    bool                                   // its target is for all Pods together
	scrape   int                                    // seconds between samples
	delay    int                                    // seconds from a sample to the API
	window   time.Duration
	spread   float64 // between Pods
	missing  float64 // chance that a sample is not there
	lingers  bool    // Pods that are gone are still answered for
	failures []span
	stale    []span
	series   int
	gone     []*pod
}

func drawSource(d dice, spec autoscalingv2.MetricSpec, length int, edges []float64) *source {
	s := &source{
		dice: d, spec: spec, factor: 1,
		level:  func(demand, replicas float64) float64 { return demand / max(replicas, 1) },
		total:  target(spec).Type == autoscalingv2.ValueMetricType,
		scrape: pick(d, 1, 5, 10, 15, 15, 30, 60), delay: pick(d, 0, 0, 1, 5, 20),
		window:  pick(d, 60*time.Second, 30*time.Second, 10*time.Second, 14987*time.Millisecond, 0),
		spread:  pick(d, 0, 0, 0.05, 0.3, 1),
		missing: pick(d, 0, 0, 0, 0.02, 0.1, 0.4),
		lingers: d.chance(0.15),
		series:  pick(d, 1, 1, 1, 2, 5),
	}
	if spec.Type == autoscalingv2.PodsMetricSourceType {
		s.window = s.window.Truncate(time.Second)
	}
	if d.chance(0.25) {
		s.level = func(float64, float64) float64 { return pick(d, edges...) }
		s.spread = 0
	}
	if d.chance(0.08) {
		s.factor = pick(d, 1e3, 1e6, 1e9, 1e12, -1, -0.5, 0, full, full, full)
	}
	if d.chance(0.3) {
		s.failures = d.spans(d.between(1, 4), length, pick(d, 30, 120, 600))
	}
	if d.chance(0.2) {
		s.stale = d.spans(d.between(1, 3), length, pick(d, 60, 600))
	}
	return s
}

func target(spec autoscalingv2.MetricSpec) autoscalingv2.MetricTarget {
	switch spec.Type {
	case autoscalingv2.ResourceMetricSourceType:
		return spec.Resource.Target
	case autoscalingv2.ContainerResourceMetricSourceType:
		return spec.ContainerResource.Target
	case autoscalingv2.PodsMetricSourceType:
		return spec.Pods.Target
	case autoscalingv2.ObjectMetricSourceType:
		return spec.Object.Target
	}
	return spec.External.Target
}

// resourceName is empty where the metric is not about a resource.
func resourceName(spec autoscalingv2.MetricSpec) corev1.ResourceName {
	switch spec.Type {
	case autoscalingv2.ResourceMetricSourceType:
		return spec.Resource.Name
	case autoscalingv2.ContainerResourceMetricSourceType:
		return spec.ContainerResource.Name
	}
	return ""
}

// answer is what the API says at this second, with this demand.
func (s *source) answer(epoch time.Time, second int, demand float64, replicas int, pods []*pod) fake.Answer {
	if anyHolds(s.failures, second) {
		return fake.Answer{Error: pick(s.dice, "the server could not find the metric", "the server is currently unable to handle the request")}
	}
	if s.spec.Type == autoscalingv2.ObjectMetricSourceType || s.spec.Type == autoscalingv2.ExternalMetricSourceType {
		return fake.Answer{Values: s.values(demand, replicas)}
	}
	serving := 0.0
	for _, each := range pods {
		if each.serves(second) {
			serving++
		}
	}
	var answer fake.Answer
	for _, each := range s.answered(pods, second) {
		if sample, found := s.sample(epoch, second, each, s.level(demand, serving)); found {
			answer.Samples = append(answer.Samples, sample)
		}
	}
	return answer
}

// answered are the Pods that the metrics pipeline knows; it may know some that the API server no longer has.
func (s *source) answered(pods []*pod, second int) []*pod {
	if !s.lingers {
		return pods
	}
	for _, each := range pods {
		if each.gone < never && !contains(s.gone, each) {
			s.gone = append(s.gone, each)
		}
	}
	all := pods
	for _, each := range s.gone {
		if !contains(pods, each) && second < each.gone+2*grace {
			all = append(all[:len(all):len(all)], each)
		}
	}
	return all
}

func contains(pods []*pod, sought *pod) bool {
	for _, each := range pods {
		if each == sought {
			return true
		}
	}
	return false
}

// values are the series of an External metric, or the one value of an Object.
func (s *source) values(demand float64, replicas int) []resource.Quantity {
	wanted := target(s.spec)
	quantity := wanted.AverageValue
	level := s.level(demand, float64(replicas))
	if s.total {
		quantity = wanted.Value
	} else {
		level *= float64(replicas)
		if replicas == 0 {
			level = demand
		}
	}
	count := s.series
	if s.spec.Type == autoscalingv2.ObjectMetricSourceType {
		count = 1
	} else if s.chance(s.missing) {
		return nil
	}
	milli := s.jitter(level*float64(quantity.MilliValue())*s.factor, s.spread == 0)
	drawn := make([]resource.Quantity, count)
	for i := range drawn {
		if s.factor == full {
			drawn[i] = resource.MustParse(pick(s.dice, "1", "5e15", "9e15", "9.2e15", "-9e15"))
			continue
		}
		drawn[i] = s.quantity(milli / float64(count))
	}
	return drawn
}

// sample is a Pod's latest, if it has one that the pipeline delivers.
func (s *source) sample(epoch time.Time, second int, p *pod, level float64) (fake.Sample, bool) {
	at := (second - s.delay) / s.scrape * s.scrape
	for _, each := range s.stale {
		if each.holds(second) {
			at = min(at, each.from)
		}
	}
	if p.running > at || p.ended(second) && s.chance(0.5) || s.chance(s.missing) && s.chance(0.8) {
		return fake.Sample{}, false
	}
	sample := fake.Sample{Pod: p.name, At: epoch.Add(time.Duration(at) * time.Second), Window: s.window}
	if !p.serves(second) {
		level = pick(s.dice, 0, 0.1, 1, 3) // a cold start is idle, or burns
	}
	if name := resourceName(s.spec); name != "" {
		sample.Usage = s.usage(p, name, level)
	} else {
		wanted := target(s.spec).AverageValue
		sample.Usage = []fake.Usage{{Value: s.quantity(s.jitter(level*float64(wanted.MilliValue())*s.factor, s.spread == 0))}}
	}
	return sample, true
}

// usage shares the Pod's use of a resource among its containers.
func (s *source) usage(p *pod, name corev1.ResourceName, level float64) []fake.Usage {
	wanted := target(s.spec)
	containers := trace.Lasting(&corev1.Pod{Spec: p.spec})
	var all []fake.Usage
	for _, container := range containers {
		var milli float64
		if wanted.AverageUtilization != nil {
			request := container.Resources.Requests[name]
			milli = level * float64(request.MilliValue()) * float64(*wanted.AverageUtilization) / 100
		} else {
			milli = level * float64(wanted.AverageValue.MilliValue())
			if s.spec.Type == autoscalingv2.ResourceMetricSourceType {
				milli /= float64(len(containers))
			}
		}
		milli = max(min(milli*s.factor, mostOfContainer), -mostOfContainer)
		all = append(all, fake.Usage{Container: container.Name, Value: s.quantity(s.jitter(milli, s.spread == 0)),
			Silent: s.chance(s.missing) && s.chance(0.2)})
	}
	return all
}

// jitter makes Pods differ, or moves an exact value by one milli-unit.
func (s *source) jitter(milli float64, exact bool) float64 {
	if exact {
		return math.Round(milli) + pick[float64](s.dice, 0, 0, 0, -1, 1)
	}
	return max(milli*(1+s.spread*s.NormFloat64()), milli*0.01)
}
