package trace

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/utils/ptr"
)

// FromStatus is the value of one entry of status.currentMetrics; nil where the controller left it empty.
func FromStatus(metric autoscalingv2.MetricStatus) *Current {
	switch metric.Type {
	case autoscalingv2.ResourceMetricSourceType:
		return current(metric.Resource.Current)
	case autoscalingv2.ContainerResourceMetricSourceType:
		return current(metric.ContainerResource.Current)
	case autoscalingv2.PodsMetricSourceType:
		return current(metric.Pods.Current)
	case autoscalingv2.ObjectMetricSourceType:
		return current(metric.Object.Current)
	case autoscalingv2.ExternalMetricSourceType:
		return current(metric.External.Current)
	}
	return nil
}

func current(value autoscalingv2.MetricValueStatus) *Current {
	switch {
	case value.AverageUtilization != nil:
		return &Current{AverageUtilization: value.AverageUtilization}
	case value.AverageValue != nil:
		return &Current{MilliUnits: ptr.To(value.AverageValue.MilliValue())}
	}
	return &Current{MilliUnits: ptr.To(value.Value.MilliValue())}
}
