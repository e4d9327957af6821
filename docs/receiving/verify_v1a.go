// The same for an endpoint that signs with a key pair.
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"
)

// VerifyV1a returns an error unless the owner of one of the public keys signed this body a moment ago.
func VerifyV1a(keys []string, headers http.Header, body []byte, now time.Time) error {
	content, err := signedContent(headers, body, now)
	if err != nil {
		return err
	}
	for _, key := range keys {
		public, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key, "whpk_"))
		if err != nil || len(public) != ed25519.PublicKeySize {
			return errors.New("the public key is empty or cut off")
		}
		for _, one := range strings.Split(headers.Get("webhook-signature"), " ") {
			signature, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(one, "v1a,"))
			if err == nil && strings.HasPrefix(one, "v1a,") && ed25519.Verify(public, content, signature) {
				return nil
			}
		}
	}
	return errors.New("no signature fits")
}
