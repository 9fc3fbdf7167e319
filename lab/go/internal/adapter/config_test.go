package adapter

import (
	"strings"
	"testing"
)

const vllmRules = `
rules:
- seriesQuery: '{__name__=~"vllm:num_requests_(waiting|running)",namespace!="",pod!=""}'
  resources:
    overrides:
      namespace: {resource: namespace}
      pod: {resource: pod}
  name: {matches: "^vllm:(.*)$", as: "vllm_${1}"}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
`

func mustParse(t *testing.T, text string) []Rule {
	t.Helper()
	rules, err := ParseRules([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func TestAColonInASeriesNameBecomesAnUnderscore(t *testing.T) {
	name, concerned := mustParse(t, vllmRules)[0].MetricName("vllm:num_requests_waiting")
	if !concerned || name != "vllm_num_requests_waiting" {
		t.Errorf("got %q, %v", name, concerned)
	}
}

func TestASeriesThatThePatternDoesNotMatchIsNotConcerned(t *testing.T) {
	if name, concerned := mustParse(t, vllmRules)[0].MetricName("process_cpu_seconds_total"); concerned {
		t.Errorf("got %q", name)
	}
}

func TestWithoutANewNameTheOnlyGroupOfThePatternIsTheName(t *testing.T) {
	rules := mustParse(t, strings.Replace(vllmRules, `, as: "vllm_${1}"`, "", 1))
	if name, _ := rules[0].MetricName("vllm:num_requests_waiting"); name != "num_requests_waiting" {
		t.Errorf("got %q", name)
	}
}

func TestAMistakeInTheRulesIsNamedByItsField(t *testing.T) {
	for field, edit := range map[string][2]string{
		"rules[0].name.matches": {`^vllm:(.*)$`, `^vllm:(.*$`},
		"rules[0].metricsQuery": {`<<.Series>>`, `<<.Serie>>`},
		"seriesFilters":         {`  metricsQuery:`, "  seriesFilters: []\n  metricsQuery:"},
		"rules[0].resources":    {"    overrides:\n      namespace: {resource: namespace}\n      pod: {resource: pod}\n", "    overrides: {}\n"},
		"rules[0].seriesQuery":  {`'{__name__=~"vllm:num_requests_(waiting|running)",namespace!="",pod!=""}'`, `""`},
	} {
		_, err := ParseRules([]byte(strings.Replace(vllmRules, edit[0], edit[1], 1)))
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: got %v", field, err)
		}
	}
}
