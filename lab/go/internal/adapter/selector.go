package adapter

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	pmodel "github.com/prometheus/common/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/metrics/pkg/apis/custom_metrics"
)

// anyOf matches exactly the given values of a label.
func anyOf(label pmodel.LabelName, values []string) string {
	if len(values) == 1 {
		return fmt.Sprintf("%s=%q", label, values[0])
	}
	return fmt.Sprintf("%s=~%q", label, alternatives(values))
}

func alternatives(values []string) string {
	quoted := make([]string, len(values))
	for index, value := range values {
		quoted[index] = regexp.QuoteMeta(value)
	}
	slices.Sort(quoted)
	return strings.Join(quoted, "|")
}

// matchersOf translates the label selector of a metric (an HPA's metric.selector) to PromQL.
func matchersOf(selector labels.Selector) ([]string, error) {
	if selector == nil {
		return nil, nil
	}
	requirements, selectable := selector.Requirements()
	if !selectable {
		return nil, fmt.Errorf("the metric selector can match nothing")
	}
	matchers := make([]string, 0, len(requirements))
	for _, each := range requirements {
		matcher, err := matcherOf(each)
		if err != nil {
			return nil, err
		}
		matchers = append(matchers, matcher)
	}
	return matchers, nil
}

func matcherOf(requirement labels.Requirement) (string, error) {
	label := pmodel.LabelName(requirement.Key())
	if !pmodel.LegacyValidation.IsValidLabelName(string(label)) {
		return "", fmt.Errorf("metric selector: %q is no label of Prometheus", label)
	}
	values := requirement.ValuesUnsorted()
	switch requirement.Operator() {
	case selection.Equals, selection.DoubleEquals, selection.In:
		return anyOf(label, values), nil
	case selection.NotEquals, selection.NotIn:
		return fmt.Sprintf("%s!~%q", label, alternatives(values)), nil
	case selection.Exists:
		return fmt.Sprintf("%s!=\"\"", label), nil
	case selection.DoesNotExist:
		return fmt.Sprintf("%s=\"\"", label), nil
	default:
		return "", fmt.Errorf("metric selector: operator %q has no counterpart in PromQL", requirement.Operator())
	}
}

// apiOperators has the API's names for the operators of a selector; there, != is a NotIn of one value.
var apiOperators = map[selection.Operator]metav1.LabelSelectorOperator{
	selection.Equals: metav1.LabelSelectorOpIn, selection.DoubleEquals: metav1.LabelSelectorOpIn,
	selection.In: metav1.LabelSelectorOpIn, selection.NotEquals: metav1.LabelSelectorOpNotIn,
	selection.NotIn: metav1.LabelSelectorOpNotIn, selection.Exists: metav1.LabelSelectorOpExists,
	selection.DoesNotExist: metav1.LabelSelectorOpDoesNotExist,
}

// identifierOf names the metric of a value, with the selector of the request.
func identifierOf(metric string, selector labels.Selector) custom_metrics.MetricIdentifier {
	identifier := custom_metrics.MetricIdentifier{Name: metric}
	if selector == nil || selector.Empty() {
		return identifier
	}
	requirements, _ := selector.Requirements()
	identifier.Selector = &metav1.LabelSelector{}
	for _, each := range requirements {
		identifier.Selector.MatchExpressions = append(identifier.Selector.MatchExpressions, metav1.LabelSelectorRequirement{
			Key: each.Key(), Operator: apiOperators[each.Operator()], Values: each.ValuesUnsorted(),
		})
	}
	return identifier
}
