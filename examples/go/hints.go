package main

// The messages of dwcp/v1/hints.proto that are used here. A pointer is what may be left out: the protocol never
// writes -1 or NaN for what is not known.

// Hint is an answer: what to do, why, and how sure that is.
type Hint[Action any] struct {
	HintID     string        `json:"hint_id"`
	Reason     string        `json:"reason"`
	Confidence float64       `json:"confidence"`
	Model      *ModelVersion `json:"model,omitempty"`
	LatencyMs  float64       `json:"latency_ms"`
	Detail     string        `json:"detail,omitempty"`
	Action     Action        `json:"action"`
}

// ModelVersion is the model that answered, or would have.
type ModelVersion struct {
	Task    string `json:"task"`
	Version string `json:"version"`
	Digest  string `json:"digest"`
}

// ask is a request for a hint on behalf of a unit, which experiments and rollouts keep on one side.
type ask[Context any] struct {
	Unit    string  `json:"unit,omitempty"`
	Region  string  `json:"region,omitempty"`
	Context Context `json:"context"`
}

// BandwidthStep is what was measured of a link in one step.
type BandwidthStep struct {
	ThroughputMbps *float64 `json:"throughput_mbps,omitempty"`
	RttMs          *float64 `json:"rtt_ms,omitempty"`
	AppLimited     bool     `json:"app_limited,omitempty"`
}

// BandwidthContext is what is known before a forecast.
type BandwidthContext struct {
	Steps  []BandwidthStep `json:"steps"`
	StepS  float64         `json:"step_s"`
	EpochS float64         `json:"epoch_s"`
	Path   string          `json:"path,omitempty"`
	Regime string          `json:"regime,omitempty"`
}

// Quantiles is a forecast with its spread, in Mbit/s.
type Quantiles struct {
	Low  float64 `json:"low"`
	Mid  float64 `json:"mid"`
	High float64 `json:"high"`
}

// BandwidthAction is a forecast.
type BandwidthAction struct {
	NextStep   Quantiles `json:"next_step"`
	Horizon    Quantiles `json:"horizon"`
	Confidence float64   `json:"confidence"`
	RttMs      float64   `json:"rtt_ms"`
	JitterMs   float64   `json:"jitter_ms"`
	PacketLoss float64   `json:"packet_loss"`
}

// BlockFacts is what can be known of a block before any codec has run on it.
type BlockFacts struct {
	BlockBytes            int64   `json:"block_bytes"`
	EntropyBits           float64 `json:"entropy_bits"`
	DifferenceEntropyBits float64 `json:"difference_entropy_bits"`
	StrideEntropyBits     float64 `json:"stride_entropy_bits"`
	ZeroShare             float64 `json:"zero_share"`
	TextShare             float64 `json:"text_share"`
	RepeatShare           float64 `json:"repeat_share"`
}

// LinkForecast is the link as forecast before the decision.
type LinkForecast struct {
	BandwidthMbps float64 `json:"bandwidth_mbps"`
	RttMs         float64 `json:"rtt_ms"`
}

// CompressionContext is what is known before a block is compressed.
type CompressionContext struct {
	Facts BlockFacts   `json:"facts"`
	Link  LinkForecast `json:"link"`
	Flow  string       `json:"flow,omitempty"`
}

// CompressionAction is a codec at a level.
type CompressionAction struct {
	Codec string `json:"codec"`
	Level int64  `json:"level"`
}

// CompressionOutcome is what came of it.
type CompressionOutcome struct {
	StoredBytes int64   `json:"stored_bytes"`
	CompressMs  float64 `json:"compress_ms"`
}

// Block is a block's id: a name here; numbers are for blocks that lie beside each other.
type Block struct {
	Name string `json:"name"`
}

// PrefetchContext is what is known right after an access.
type PrefetchContext struct {
	Recent       []Block `json:"recent"`
	NextChildren []Block `json:"next_children,omitempty"`
}

// PrefetchAction is what to fetch before anybody asks for it.
type PrefetchAction struct {
	Blocks []Block `json:"blocks"`
}

// outcome is what came of a hint, under the name of the task that gave it.
type outcome struct {
	Compression *CompressionOutcome `json:"compression,omitempty"`
}

// report is sent once for a hint.
type report struct {
	HintID  string  `json:"hint_id"`
	Outcome outcome `json:"outcome"`
}

// hint asks one method.
func hint[Context, Action any](c *Client, method, unit string, context Context) (Hint[Action], error) {
	var answer Hint[Action]
	err := c.call("/v1/hints/"+method, ask[Context]{Unit: unit, Context: context}, &answer)
	return answer, err
}

// PredictBandwidth forecasts a link.
func (c *Client) PredictBandwidth(unit string, context BandwidthContext) (Hint[BandwidthAction], error) {
	return hint[BandwidthContext, BandwidthAction](c, "PredictBandwidth", unit, context)
}

// SelectCompression chooses a codec for a block.
func (c *Client) SelectCompression(unit string, context CompressionContext) (Hint[CompressionAction], error) {
	return hint[CompressionContext, CompressionAction](c, "SelectCompression", unit, context)
}

// PrefetchBlocks chooses blocks to fetch early.
func (c *Client) PrefetchBlocks(unit string, context PrefetchContext) (Hint[PrefetchAction], error) {
	return hint[PrefetchContext, PrefetchAction](c, "PrefetchBlocks", unit, context)
}

// RecordCompression reports what came of a hint for compression.
func (c *Client) RecordCompression(hintID string, came CompressionOutcome) error {
	return c.call("/v1/hints/RecordOutcome", report{hintID, outcome{Compression: &came}}, &struct{}{})
}
