package oracle

import (
	"bufio"
	"encoding/json"
	"flag"
	"os"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/apis/autoscaling"
	autoscalingv2defaults "k8s.io/kubernetes/pkg/apis/autoscaling/v2"
	"k8s.io/kubernetes/pkg/apis/autoscaling/validation"
	kjson "sigs.k8s.io/json"
)

var specs = flag.String("specs", "", "file of HPA specs, one object with spec and scaleToZero a line")

// asked is one spec as a person wrote it, and whether minReplicas may be 0.
type asked struct {
	ScaleToZero bool            `json:"scaleToZero"`
	Spec        json.RawMessage `json:"spec"`
}

// answered is what the API server makes of it: the defaulted spec, or why it refuses it.
type answered struct {
	Spec   *autoscalingv2.HorizontalPodAutoscalerSpec `json:"spec,omitempty"`
	Decode string                                     `json:"decode,omitempty"`
	Fields []string                                   `json:"fields,omitempty"`
}

// TestSpecs answers each line of the file.
func TestSpecs(t *testing.T) {
	if *specs == "" || *out == "" {
		t.Skip("give -specs FILE -out FILE")
	}
	from, err := os.Open(*specs)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.Create(*out)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	encoder := json.NewEncoder(to)
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one asked
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		if err := encoder.Encode(admit(t, one)); err != nil {
			t.Fatal(err)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

// admit decodes, defaults and validates as the API server does when the object is created.
func admit(t *testing.T, one asked) answered {
	hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "hpa", Namespace: "default"}}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(one.Spec, &hpa.Spec); err != nil {
		return answered{Decode: err.Error()}
	}
	autoscalingv2defaults.SetObjectDefaults_HorizontalPodAutoscaler(hpa)
	internal := &autoscaling.HorizontalPodAutoscaler{}
	convert := autoscalingv2defaults.Convert_v2_HorizontalPodAutoscaler_To_autoscaling_HorizontalPodAutoscaler
	if err := convert(hpa, internal, nil); err != nil {
		t.Fatal(err)
	}
	flaws := validation.ValidateHorizontalPodAutoscaler(internal, options(internal, one.ScaleToZero))
	if len(flaws) == 0 {
		return answered{Spec: &hpa.Spec}
	}
	refused := answered{}
	for _, flaw := range flaws {
		refused.Fields = append(refused.Fields, flaw.Field)
	}
	return refused
}

// options are those of the API server's strategy for a new object.
func options(hpa *autoscaling.HorizontalPodAutoscaler, zero bool) validation.HorizontalPodAutoscalerSpecValidationOptions {
	isController := hpa.Spec.ScaleTargetRef.Kind == "ReplicationController"
	lowest := int32(1)
	if zero {
		lowest = 0
	}
	return validation.HorizontalPodAutoscalerSpecValidationOptions{
		MinReplicasLowerBound:           lowest,
		ScaleTargetRefValidationOptions: validation.CrossVersionObjectReferenceValidationOptions{AllowEmptyAPIGroup: isController},
		ObjectMetricsValidationOptions:  validation.CrossVersionObjectReferenceValidationOptions{AllowEmptyAPIGroup: true},
	}
}
