// Says whether a webhook is genuine, with Go alone.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const toleranceSeconds = 300

// Verify returns an error unless one of the secrets signed this body a moment ago.
func Verify(secrets []string, headers http.Header, body []byte, now time.Time) error {
	content, err := signedContent(headers, body, now)
	if err != nil {
		return err
	}
	given := strings.Split(headers.Get("webhook-signature"), " ")
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) < 24 { // an empty one would let everybody sign
			return errors.New("the webhook secret is empty or cut off")
		}
		mac := hmac.New(sha256.New, key)
		mac.Write(content)
		expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		for _, one := range given {
			if hmac.Equal([]byte(one), []byte(expected)) {
				return nil
			}
		}
	}
	return errors.New("no signature fits")
}

// signedContent returns what was signed, or an error where a header is missing, or the time is not about now.
func signedContent(headers http.Header, body []byte, now time.Time) ([]byte, error) {
	id, timestamp := headers.Get("webhook-id"), headers.Get("webhook-timestamp")
	if id == "" || timestamp == "" || headers.Get("webhook-signature") == "" {
		return nil, errors.New("a header is missing")
	}
	sent, err := strconv.ParseUint(timestamp, 10, 40)
	age := now.Unix() - int64(sent)
	if err != nil || age > toleranceSeconds || age < -toleranceSeconds {
		return nil, errors.New("the timestamp is not about now")
	}
	return append([]byte(id+"."+timestamp+"."), body...), nil
}
