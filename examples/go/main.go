// Command client asks a running server for three hints, reports what came of one, and asks a model.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

type told struct {
	Bandwidth   Hint[BandwidthAction]   `json:"bandwidth"`
	Compression Hint[CompressionAction] `json:"compression"`
	Prefetch    Hint[PrefetchAction]    `json:"prefetch"`
	Recorded    bool                    `json:"recorded"`
	Inference   *Result                 `json:"inference,omitempty"`
}

func main() {
	server := flag.String("server", "http://127.0.0.1:9450", "http://HOST:PORT, https://HOST:PORT or unix:PATH")
	token := flag.String("token", os.Getenv("DWCP_TOKEN"), "bearer token, where one is needed")
	unit := flag.String("unit", "example", "on whose behalf hints are asked for")
	model := flag.String("model", "", "a model to ask as well")
	flag.Parse()
	answers, err := run(NewClient(*server, *token), *unit, *model)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	if err := out.Encode(answers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(client *Client, unit, model string) (answers told, err error) {
	now := float64(time.Now().Unix())
	steps := []BandwidthStep{{ThroughputMbps: number(92), RttMs: number(18)}, {ThroughputMbps: number(95)}}
	link := BandwidthContext{Steps: steps, StepS: 1, EpochS: now, Path: "site-b", Regime: "INTERNET"}
	if answers.Bandwidth, err = client.PredictBandwidth(unit, link); err != nil {
		return answers, err
	}

	facts := BlockFacts{BlockBytes: 1 << 20, EntropyBits: 4.6, DifferenceEntropyBits: 5.1,
		StrideEntropyBits: 5.2, ZeroShare: 0.02, TextShare: 0.9, RepeatShare: 0.04}
	forecast := LinkForecast{BandwidthMbps: answers.Bandwidth.Action.NextStep.Mid, RttMs: 18}
	block := CompressionContext{Facts: facts, Link: forecast, Flow: "backup"}
	if answers.Compression, err = client.SelectCompression(unit, block); err != nil {
		return answers, err
	}
	// What was measured after doing as the hint said.
	came := CompressionOutcome{StoredBytes: 300_000, CompressMs: 4.5}
	if err = client.RecordCompression(answers.Compression.HintID, came); err != nil {
		return answers, err
	}
	answers.Recorded = true

	access := PrefetchContext{Recent: []Block{{"a1"}, {"b2"}}, NextChildren: []Block{{"c3"}}}
	if answers.Prefetch, err = client.PrefetchBlocks(unit, access); err != nil || model == "" {
		return answers, err
	}

	described, err := client.Metadata(model)
	if err != nil {
		return answers, err
	}
	result, err := client.InferOnes(described)
	answers.Inference = &result
	return answers, err
}

func number(value float64) *float64 { return &value }
