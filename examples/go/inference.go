package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// The Open Inference Protocol v2 with binary tensors: a JSON header of Inference-Header-Content-Length bytes,
// then each tensor row by row, little-endian.

const headerLength = "Inference-Header-Content-Length"

// Tensor describes one tensor; a dimension of -1 is any.
type Tensor struct {
	Name       string         `json:"name"`
	Datatype   string         `json:"datatype"`
	Shape      []int64        `json:"shape"`
	Parameters map[string]any `json:"parameters,omitempty"`
}

// ModelMetadata is what a model takes and gives.
type ModelMetadata struct {
	Name     string   `json:"name"`
	Versions []string `json:"versions"`
	Inputs   []Tensor `json:"inputs"`
	Outputs  []Tensor `json:"outputs"`
}

// Result is an answer: the version that gave it, and numbers by output.
type Result struct {
	ModelVersion string               `json:"model_version"`
	Outputs      map[string][]float64 `json:"outputs"`
}

// Metadata describes a model.
func (c *Client) Metadata(model string) (ModelMetadata, error) {
	var told ModelMetadata
	_, content, err := c.do(http.MethodGet, "/v2/models/"+model, http.Header{}, nil)
	if err == nil {
		err = json.Unmarshal(content, &told)
	}
	return told, err
}

// InferOnes asks a model about a batch of one row in which every number is 1.
func (c *Client) InferOnes(model ModelMetadata) (Result, error) {
	var tensors bytes.Buffer
	inputs := make([]Tensor, 0, len(model.Inputs))
	for _, input := range model.Inputs {
		shape, count := batchOfOne(input.Shape)
		before := tensors.Len()
		if err := writeOnes(&tensors, input.Datatype, count); err != nil {
			return Result{}, fmt.Errorf("input %s: %w", input.Name, err)
		}
		size := map[string]any{"binary_data_size": tensors.Len() - before}
		inputs = append(inputs, Tensor{input.Name, input.Datatype, shape, size})
	}
	request := map[string]any{"inputs": inputs, "parameters": map[string]any{"binary_data_output": true}}
	head, err := json.Marshal(request)
	if err != nil {
		return Result{}, err
	}
	header := http.Header{"Content-Type": {"application/octet-stream"}}
	header.Set(headerLength, strconv.Itoa(len(head)))
	path := "/v2/models/" + model.Name + "/infer"
	told, content, err := c.do(http.MethodPost, path, header, append(head, tensors.Bytes()...))
	if err != nil {
		return Result{}, err
	}
	return readResult(told, content)
}

func batchOfOne(shape []int64) ([]int64, int64) {
	sizes, count := make([]int64, len(shape)), int64(1)
	for i, size := range shape {
		if size < 0 {
			size = 1
		}
		sizes[i] = size
		count *= size
	}
	return sizes, count
}

func writeOnes(tensors *bytes.Buffer, datatype string, count int64) error {
	switch datatype {
	case "FP32":
		row := make([]float32, count)
		for i := range row {
			row[i] = 1
		}
		return binary.Write(tensors, binary.LittleEndian, row)
	case "INT64":
		row := make([]int64, count)
		for i := range row {
			row[i] = 1
		}
		return binary.Write(tensors, binary.LittleEndian, row)
	}
	return fmt.Errorf("elements of type %s are not known here", datatype)
}

func readResult(header http.Header, content []byte) (Result, error) {
	length, err := strconv.Atoi(header.Get(headerLength))
	if err != nil || length > len(content) {
		return Result{}, fmt.Errorf("the answer has no usable %s", headerLength)
	}
	var head struct {
		ModelVersion string   `json:"model_version"`
		Outputs      []Tensor `json:"outputs"`
	}
	if err := json.Unmarshal(content[:length], &head); err != nil {
		return Result{}, err
	}
	result := Result{head.ModelVersion, map[string][]float64{}}
	rest := bytes.NewReader(content[length:])
	for _, output := range head.Outputs {
		_, count := batchOfOne(output.Shape)
		numbers, err := readNumbers(rest, output.Datatype, count)
		if err != nil {
			return Result{}, fmt.Errorf("output %s: %w", output.Name, err)
		}
		result.Outputs[output.Name] = numbers
	}
	return result, nil
}

func readNumbers(from *bytes.Reader, datatype string, count int64) ([]float64, error) {
	numbers := make([]float64, count)
	switch datatype {
	case "FP32":
		row := make([]float32, count)
		if err := binary.Read(from, binary.LittleEndian, row); err != nil {
			return nil, err
		}
		for i, number := range row {
			numbers[i] = float64(number)
		}
	case "INT64":
		row := make([]int64, count)
		if err := binary.Read(from, binary.LittleEndian, row); err != nil {
			return nil, err
		}
		for i, number := range row {
			numbers[i] = float64(number)
		}
	default:
		return nil, fmt.Errorf("elements of type %s are not known here", datatype)
	}
	return numbers, nil
}
