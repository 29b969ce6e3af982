// Webhook stops the builds that a push made pointless. Point the push webhook of a repository at it:
//
//	WEBHOOK_TOKEN=secret webhook -job 48c66c6002964721be537cdc6ce0297b
package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
)

func main() {
	job := flag.String("job", "", "`id` of the job that builds the repository")
	listen := flag.String("listen", "127.0.0.1:8080", "`address` to listen on")
	after := flag.Duration("after", 30*time.Second, "`time` from a push until its build is in the list")
	flag.Parse()
	client, err := codeartsbuild.NewClient(codeartsbuild.WithEnvironment())
	if err != nil {
		log.Fatal(err)
	}
	token := []byte(os.Getenv("WEBHOOK_TOKEN"))
	http.HandleFunc("POST /push", func(w http.ResponseWriter, r *http.Request) {
		var push struct{ Ref string }
		switch err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&push); {
		case len(token) == 0 || subtle.ConstantTimeCompare(token, []byte(r.Header.Get("X-Gitlab-Token"))) == 0:
			http.Error(w, "wrong token", http.StatusUnauthorized)
		case err != nil || !strings.HasPrefix(push.Ref, "refs/heads/"):
			http.Error(w, "not a push to a branch", http.StatusBadRequest)
		default:
			time.AfterFunc(*after, func() { stopSuperseded(client, *job, strings.TrimPrefix(push.Ref, "refs/heads/")) })
			w.WriteHeader(http.StatusAccepted)
		}
	})
	log.Fatal(http.ListenAndServe(*listen, nil))
}

func stopSuperseded(client *codeartsbuild.Client, job, branch string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	plan, err := client.Builds.PlanSuperseded(ctx, job, &codeartsbuild.SupersededOptions{Branches: []string{branch}, Within: 24 * time.Hour})
	if err != nil {
		log.Print(err)
		return
	}
	_, err = client.Builds.StopPlanned(ctx, plan, &codeartsbuild.StopPlannedOptions{OnOutcome: func(o codeartsbuild.StopOutcome) {
		log.Printf("build %s of %s: stopped %t, error %v", o.Build.BuildNo, branch, o.Stopped, o.Err)
	}})
	if err != nil {
		log.Print(err)
	}
}
