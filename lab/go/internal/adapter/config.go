// Package adapter serves custom metrics from PromQL. It reads the configuration format of prometheus-adapter, so that
// the lab, which can only build from the Go module proxy, and a cluster with the real adapter use the same rules.
package adapter

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"text/template"

	pmodel "github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// fileConfig is the part of prometheus-adapter's configuration that is understood; anything else is rejected, because a
// setting that is silently without effect would make the lab differ from a real cluster.
type fileConfig struct {
	Rules []fileRule `json:"rules"`
}

type fileRule struct {
	SeriesQuery string `json:"seriesQuery"`
	Resources   struct {
		Overrides map[string]struct {
			Group    string `json:"group"`
			Resource string `json:"resource"`
		} `json:"overrides"`
	} `json:"resources"`
	Name struct {
		Matches string `json:"matches"`
		As      string `json:"as"`
	} `json:"name"`
	MetricsQuery string `json:"metricsQuery"`
}

// Rule turns series of Prometheus into metrics of Kubernetes objects.
type Rule struct {
	// SeriesQuery selects the series that the rule is about.
	SeriesQuery string
	// Labels says which label of a series names which kind of object. Resources may be singular, as people write them.
	Labels map[pmodel.LabelName]schema.GroupResource

	matches *regexp.Regexp
	as      string
	query   *template.Template
}

// QueryValues are what a rule's metricsQuery can use, between << and >>.
type QueryValues struct {
	Series            string
	LabelMatchers     string
	LabelValuesByName map[string]string
	GroupBy           string
	GroupBySlice      []string
}

// LoadRules reads the rules of a configuration file.
func LoadRules(path string) ([]Rule, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the rules (--config): %w", err)
	}
	rules, err := ParseRules(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rules, nil
}

// ParseRules parses a configuration; an error names the rule and the field that is wrong.
func ParseRules(text []byte) ([]Rule, error) {
	var file fileConfig
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		return nil, err
	}
	if len(file.Rules) == 0 {
		return nil, fmt.Errorf("rules: none given; without rules no metric can be served")
	}
	rules := make([]Rule, 0, len(file.Rules))
	for index, each := range file.Rules {
		rule, err := newRule(each)
		if err != nil {
			return nil, fmt.Errorf("rules[%d].%w", index, err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func newRule(file fileRule) (Rule, error) {
	rule := Rule{SeriesQuery: file.SeriesQuery, as: file.Name.As, Labels: map[pmodel.LabelName]schema.GroupResource{}}
	if rule.SeriesQuery == "" {
		return rule, fmt.Errorf("seriesQuery: empty; give a PromQL selector such as 'up{pod!=\"\"}'")
	}
	if len(file.Resources.Overrides) == 0 {
		return rule, fmt.Errorf("resources.overrides: empty; tell which label names the pod or the namespace")
	}
	for label, target := range file.Resources.Overrides {
		rule.Labels[pmodel.LabelName(label)] = schema.GroupResource{Group: target.Group, Resource: target.Resource}
	}
	return rule.withPatterns(file)
}

func (r Rule) withPatterns(file fileRule) (Rule, error) {
	matches := file.Name.Matches
	if matches == "" {
		matches = ".*"
	}
	pattern, err := regexp.Compile(matches)
	if err != nil {
		return r, fmt.Errorf("name.matches: %q is no regular expression: %w", matches, err)
	}
	r.matches = pattern
	if r.as == "" {
		r.as = defaultName(pattern)
	}
	r.query, err = template.New("metricsQuery").Delims("<<", ">>").Option("missingkey=error").Parse(file.MetricsQuery)
	if err != nil {
		return r, fmt.Errorf("metricsQuery: %q is no template: %w", file.MetricsQuery, err)
	}
	if file.MetricsQuery == "" {
		return r, fmt.Errorf("metricsQuery: empty; give a PromQL template such as 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'")
	}
	if _, err := r.Query(QueryValues{}); err != nil {
		return r, err
	}
	return r, nil
}

// defaultName is the whole name where the pattern has no group, and the group where it has one.
func defaultName(pattern *regexp.Regexp) string {
	if pattern.NumSubexp() == 1 {
		return "$1"
	}
	return "$0"
}

// MetricName is the name that a series gets in Kubernetes; false where the rule does not concern it.
func (r Rule) MetricName(series string) (string, bool) {
	found := r.matches.FindStringSubmatchIndex(series)
	if found == nil {
		return "", false
	}
	return string(r.matches.ExpandString(nil, r.as, series, found)), true
}

// Query renders the PromQL of one request.
func (r Rule) Query(values QueryValues) (string, error) {
	var rendered bytes.Buffer
	if err := r.query.Execute(&rendered, values); err != nil {
		return "", fmt.Errorf("metricsQuery: %w", err)
	}
	return strings.TrimSpace(rendered.String()), nil
}
