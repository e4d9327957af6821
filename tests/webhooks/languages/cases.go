// Judges the cases with the guide's Go, which is built together with it.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
	"time"
)

type testCase struct {
	Asymmetric bool
	Secrets    []string
	Headers    map[string]string
	Body       []byte
	Now        int64
}

func judge(c testCase) string {
	headers := http.Header{}
	for name, value := range c.Headers {
		headers.Set(name, value)
	}
	check := Verify
	if c.Asymmetric {
		check = VerifyV1a
	}
	if err := check(c.Secrets, headers, c.Body, time.Unix(c.Now, 0)); err != nil {
		return err.Error()
	}
	return "ok"
}

func main() {
	var cases []testCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		log.Fatal(err)
	}
	found := []string{}
	for _, c := range cases {
		found = append(found, judge(c))
	}
	json.NewEncoder(os.Stdout).Encode(found)
}
