package world

import (
	"context"
	"fmt"
	"maps"
	"slices"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/apis/autoscaling"
	v2 "k8s.io/kubernetes/pkg/apis/autoscaling/v2"
	"k8s.io/kubernetes/pkg/registry/autoscaling/horizontalpodautoscaler"
	"k8s.io/utils/ptr"
)

// Target is the name of the Deployment, and of its first container.
const Target = "server"

// drawHPA draws until the API server would take it, and returns it with the defaults that the API server fills in.
func drawHPA(d dice, scaleToZero bool) *autoscalingv2.HorizontalPodAutoscaler {
	for {
		hpa := &autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Name: Target, Namespace: corev1.NamespaceDefault},
			Spec:       drawSpec(d, scaleToZero),
		}
		v2.SetObjectDefaults_HorizontalPodAutoscaler(hpa)
		if admitted(hpa) {
			return hpa
		}
	}
}

func admitted(hpa *autoscalingv2.HorizontalPodAutoscaler) bool {
	internal := &autoscaling.HorizontalPodAutoscaler{}
	if err := v2.Convert_v2_HorizontalPodAutoscaler_To_autoscaling_HorizontalPodAutoscaler(hpa.DeepCopy(), internal, nil); err != nil {
		panic(err)
	}
	return len(horizontalpodautoscaler.Strategy.Validate(context.Background(), internal)) == 0
}

func drawSpec(d dice, scaleToZero bool) autoscalingv2.HorizontalPodAutoscalerSpec {
	spec := autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: Target, APIVersion: "apps/v1"},
		MinReplicas:    pick(d, nil, ptr.To[int32](1), ptr.To[int32](1), ptr.To[int32](2), ptr.To(int32(d.between(1, 6)))),
		MaxReplicas:    int32(d.between(1, pick(d, 4, 10, 10, 20, 20, 50))),
		Behavior:       drawBehavior(d),
	}
	if scaleToZero {
		spec.MinReplicas = ptr.To[int32](0)
	}
	for i := range pick(d, 1, 1, 1, 1, 1, 2, 2, 2, 3) {
		spec.Metrics = append(spec.Metrics, drawMetric(d, i, scaleToZero))
	}
	if len(spec.Metrics) == 1 && d.chance(0.03) {
		spec.Metrics = nil // the API server's own default: CPU at 80 %
	}
	return spec
}

func drawMetric(d dice, index int, scaleToZero bool) autoscalingv2.MetricSpec {
	identifier := autoscalingv2.MetricIdentifier{Name: fmt.Sprintf("metric_%d", index)}
	kinds := []func() autoscalingv2.MetricSpec{
		func() autoscalingv2.MetricSpec {
			return autoscalingv2.MetricSpec{Type: autoscalingv2.ResourceMetricSourceType, Resource: drawResource(d)}
		},
		func() autoscalingv2.MetricSpec {
			from := drawResource(d)
			return autoscalingv2.MetricSpec{
				Type: autoscalingv2.ContainerResourceMetricSourceType,
				ContainerResource: &autoscalingv2.ContainerResourceMetricSource{
					Name: from.Name, Target: from.Target, Container: pick(d, Target, Target, Target, Target, Target, Target, Target, Target, "proxy", "absent"),
				},
			}
		},
		func() autoscalingv2.MetricSpec {
			return autoscalingv2.MetricSpec{
				Type: autoscalingv2.PodsMetricSourceType,
				Pods: &autoscalingv2.PodsMetricSource{Metric: identifier, Target: averageValue(d)},
			}
		},
		func() autoscalingv2.MetricSpec {
			return autoscalingv2.MetricSpec{
				Type: autoscalingv2.ObjectMetricSourceType,
				Object: &autoscalingv2.ObjectMetricSource{
					DescribedObject: autoscalingv2.CrossVersionObjectReference{
						Kind: pick(d, "Service", "Service", "Service", "Namespace"), Name: Target, APIVersion: "v1",
					},
					Metric: identifier, Target: pick(d, value, averageValue)(d),
				},
			}
		},
		func() autoscalingv2.MetricSpec {
			return autoscalingv2.MetricSpec{
				Type:     autoscalingv2.ExternalMetricSourceType,
				External: &autoscalingv2.ExternalMetricSource{Metric: identifier, Target: pick(d, value, averageValue)(d)},
			}
		},
	}
	if scaleToZero && index == 0 {
		kinds = kinds[3:] // the API asks for one such metric where minReplicas is 0
	}
	return pick(d, kinds...)()
}

// drawResource favours utilization of the CPU, whose rules for Pods that are not ready differ from all others.
func drawResource(d dice) *autoscalingv2.ResourceMetricSource {
	name := pick(d, corev1.ResourceCPU, corev1.ResourceCPU, corev1.ResourceCPU, corev1.ResourceMemory)
	if d.chance(0.3) {
		return &autoscalingv2.ResourceMetricSource{Name: name, Target: averageValue(d)}
	}
	utilization := pick(d, int32(50), int32(70), int32(80), int32(99), int32(100), int32(120), int32(300), int32(1), int32(d.between(1, 150)))
	return &autoscalingv2.ResourceMetricSource{
		Name:   name,
		Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &utilization},
	}
}

func value(d dice) autoscalingv2.MetricTarget {
	return autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: drawTarget(d)}
}

func averageValue(d dice) autoscalingv2.MetricTarget {
	return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: drawTarget(d)}
}

func drawTarget(d dice) *resource.Quantity {
	return ptr.To(resource.MustParse(pick(d, "1", "2", "8", "10", "100", "500m", "999m", "16500m", "1e3", "3.7", "64Mi",
		"1m", "7m", "1Gi", "1k", "12345u", "2e6", "100n", fmt.Sprintf("%dm", d.between(1, 20000)))))
}

func drawBehavior(d dice) *autoscalingv2.HorizontalPodAutoscalerBehavior {
	switch {
	case d.chance(0.35):
		return nil
	case d.chance(0.15):
		return &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: drawRules(d)}
	case d.chance(0.15):
		return &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleDown: drawRules(d)}
	case d.chance(0.05):
		return &autoscalingv2.HorizontalPodAutoscalerBehavior{}
	}
	return &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: drawRules(d), ScaleDown: drawRules(d)}
}

var selections = map[autoscalingv2.ScalingPolicySelect]int{
	autoscalingv2.MaxChangePolicySelect: 5, autoscalingv2.MinChangePolicySelect: 4, autoscalingv2.DisabledPolicySelect: 1,
}

func drawRules(d dice) *autoscalingv2.HPAScalingRules {
	rules := &autoscalingv2.HPAScalingRules{}
	if d.chance(0.7) {
		rules.StabilizationWindowSeconds = ptr.To(pick[int32](d, 0, 0, 1, 15, 30, 60, 60, 120, 300, 300, 600, 3600))
	}
	if d.chance(0.7) {
		rules.SelectPolicy = ptr.To(weighted(d, selections))
	}
	for range pick(d, 0, 1, 1, 2, 2, 3, 4) {
		rules.Policies = append(rules.Policies, drawPolicy(d))
	}
	if d.chance(0.35) {
		rules.Tolerance = ptr.To(resource.MustParse(pick(d, "0", "0.1", "100m", "50m", "0.05", "333m", "1", "2.5", "1e-2", "0.123456789", "200m")))
	}
	return rules
}

func drawPolicy(d dice) autoscalingv2.HPAScalingPolicy {
	period := pick[int32](d, 1, 5, 15, 15, 30, 30, 60, 60, 90, 180, 600, 1800)
	if d.chance(0.5) {
		return autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PodsScalingPolicy, Value: int32(d.between(1, pick(d, 2, 5, 20))), PeriodSeconds: period}
	}
	percent := pick[int32](d, 1, 10, 25, 33, 50, 75, 90, 100, 100, 150, 300)
	return autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PercentScalingPolicy, Value: percent, PeriodSeconds: period}
}

// weighted takes a key with the chance that its weight gives it.
func weighted(d dice, weights map[autoscalingv2.ScalingPolicySelect]int) autoscalingv2.ScalingPolicySelect {
	var all []autoscalingv2.ScalingPolicySelect
	for _, key := range slices.Sorted(maps.Keys(weights)) {
		for range weights[key] {
			all = append(all, key)
		}
	}
	return pick(d, all...)
}
