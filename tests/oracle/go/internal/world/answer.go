package world

import (
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"

	"elastometer.dev/oracle/internal/fake"
	"elastometer.dev/oracle/internal/trace"
)

// metric is an answer as a trace has it: one value a Pod.
func metric(spec autoscalingv2.MetricSpec, answer fake.Answer, epoch time.Time) trace.Metric {
	line := trace.Metric{Error: answer.Error, Values: answer.Values}
	for _, sample := range answer.Samples {
		if value, found := podValue(spec, sample.Usage); found {
			line.Samples = append(line.Samples, trace.Sample{
				Pod: sample.Pod, Value: value, Timestamp: trace.Of(sample.At.Sub(epoch)), Window: trace.Of(sample.Window),
			})
		}
	}
	return line
}

// podValue is what counts for the Pod: its container's use, the sum over all of them, or the one value of a Pods
// metric. Nothing where a container that counts is silent.
func podValue(spec autoscalingv2.MetricSpec, usage []fake.Usage) (resource.Quantity, bool) {
	sum := int64(0)
	for _, each := range usage {
		if spec.Type == autoscalingv2.ContainerResourceMetricSourceType {
			if each.Container == spec.ContainerResource.Container {
				return each.Value, !each.Silent
			}
			continue
		}
		if each.Silent {
			return resource.Quantity{}, false
		}
		if len(usage) == 1 {
			return each.Value, true
		}
		sum += each.Value.MilliValue()
	}
	return *resource.NewMilliQuantity(sum, resource.DecimalSI), spec.Type == autoscalingv2.ResourceMetricSourceType
}
