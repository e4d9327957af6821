// A receiver of webhooks: go run receiver.go verify.go, with WEBHOOK_SECRET set (two while a rotation lasts, by a space).
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

var (
	secrets = strings.Fields(os.Getenv("WEBHOOK_SECRET"))
	seen    sync.Map // yours is a table with a unique column, written in one transaction with the queue
)

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "9000"
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, http.HandlerFunc(receive)))
}

func receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20)) // the raw bytes, before any parsing
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := Verify(secrets, r.Header, body, time.Now()); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	id := r.Header.Get("webhook-id")
	if _, again := seen.Load(id); !again {
		queue(body)
		seen.Store(id, true)
	}
	fmt.Fprint(w, "thank you")
}

// queue puts the event where a worker finds it: do not make Kith wait for your work.
func queue(body []byte) {
	var event struct{ ID, Type string }
	if err := json.Unmarshal(body, &event); err != nil {
		log.Print(err)
		return
	}
	fmt.Println(event.Type, event.ID)
}
