package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Client asks one server, over TCP or a Unix socket.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// NewClient makes a client of http://HOST:PORT, https://HOST:PORT or unix:PATH.
func NewClient(server, token string) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	base := strings.TrimSuffix(server, "/")
	if path := strings.TrimPrefix(server, "unix:"); path != server {
		base = "http://localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}
	}
	return &Client{base, token, &http.Client{Transport: transport, Timeout: 10 * time.Second}}
}

// do sends a body and gives the answer's header and body; a refusal is an error in the server's words.
func (c *Client) do(method, path string, header http.Header, body []byte) (http.Header, []byte, error) {
	request, err := http.NewRequest(method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	request.Header = header
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, nil, err
	}
	if response.StatusCode != http.StatusOK {
		var failed struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(content, &failed) != nil || failed.Error == "" {
			failed.Error = string(content)
		}
		return nil, nil, fmt.Errorf("%s %s: %s: %s", method, path, response.Status, failed.Error)
	}
	return response.Header, content, nil
}

// call posts a value as JSON and reads the answer into another.
func (c *Client) call(path string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	_, content, err := c.do(http.MethodPost, path, http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, answer)
}
