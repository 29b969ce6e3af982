package apitest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/codeartsbuild-go/codeartsbuild"
	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

// A Scene is a client and what its calls are about.
type Scene struct {
	*codeartsbuild.Client
	V1 *codeartsbuild.Client // stops by StopTheJob

	Project, Domain, Group, OtherGroup, Job, DeletedJob, BuildProject, Record, Endpoint string

	Template, Official, Keystore, Permission string

	JobName, Repository, RepositoryID, GitCode, Image, KeystoreName string

	Updates [2]int // of the job: numbers of an older and a newer one
	Step    string // of the log, by its number
	Stage   string // of the log, by its name
	Report  string // the root of a report of coverage

	Build, Running string // the numbers of a finished build and of a running one
	Offset         int64  // in the log of the finished build
}

// NewScene fills the in-memory service. The calls are made by clients with these options.
func NewScene(t testing.TB, srv *codeartsbuildtest.Server, opts ...codeartsbuild.ClientOption) *Scene {
	t.Helper()
	s := named(&Scene{Project: srv.ProjectID(), Job: srv.AddJob("nightly"), DeletedJob: srv.AddJob("deleted")})
	s.Build = srv.AddBuild(s.Job, codeartsbuild.Build{
		Branch: "master", Status: codeartsbuild.StatusSucceeded, StartedAt: time.Now().Add(-time.Hour), FinishedAt: time.Now(),
	})
	s.Running = srv.StartBuild(s.Job)
	srv.AppendLog(s.Job, s.Build, "[t] [INFO] [Maven:external_post_maven] : one\n")
	if err := s.fill(t, srv.Client()); err != nil {
		t.Fatal(err)
	}
	s.Client = srv.Client(opts...)
	s.V1 = srv.Client(append(opts, codeartsbuild.WithStopAPI(codeartsbuild.StopAPIV1))...)
	return s
}

// fill makes what calls are about, and reads the ids that the service chose.
func (s *Scene) fill(t testing.TB, client *codeartsbuild.Client) error {
	t.Helper()
	ctx := t.Context()
	info, err := client.Jobs.Get(ctx, s.Job)
	if err != nil {
		return err
	}
	build, err := client.Builds.Get(ctx, s.Job, s.Build)
	if err != nil {
		return err
	}
	s.BuildProject, s.Record, s.Domain = info.BuildProjectID, build.RecordID, build.DomainID
	if _, err = client.Jobs.Delete(ctx, s.DeletedJob); err != nil {
		return err
	}
	return s.addThings(ctx, client)
}

// addThings adds what calls are about beside jobs.
func (s *Scene) addThings(ctx context.Context, client *codeartsbuild.Client) error {
	for name, id := range map[string]*string{"a": &s.Group, "b": &s.OtherGroup} {
		made, err := client.Groups.Create(ctx, s.Project, &codeartsbuild.GroupRequest{Name: name})
		if err != nil {
			return err
		}
		*id = made[0].ID
	}
	custom, err := client.Templates.Create(ctx, wholeTemplate())
	if err != nil {
		return err
	}
	official, err := client.Templates.ListOfficial(ctx, nil)
	if err != nil {
		return err
	}
	keystore, err := client.Keystores.Upload(ctx, &codeartsbuild.KeystoreUpload{Name: "a.jks", File: strings.NewReader("secret"), Privacy: true})
	if err != nil {
		return err
	}
	s.Template, s.Official, s.Keystore = custom.UUID, official.Items[0].UUID, keystore.ID
	s.Permission, err = client.Keystores.AddPermission(ctx, &codeartsbuild.KeystorePermissionRequest{
		KeystoreID: keystore.ID, UserID: "u", UserName: "ada", Usage: true, CanAbsent: true,
	})
	return err
}

// Ids of the forms that the paths of operations take.
const (
	someID   = "48c66c6002964721be537cdc6ce0297b"
	someUUID = "41f0e24d-d435-4f80-88cd-19dba310f845"
)

// Scripted is a scene of made up things, for a transport that gives all responses.
func Scripted(client, v1 *codeartsbuild.Client) *Scene {
	return named(&Scene{
		Client: client, V1: v1,
		Project: someID, Domain: someID, Group: someID, OtherGroup: someID, Job: someID, DeletedJob: someID,
		BuildProject: someUUID, Record: someUUID,
		Template: someUUID, Official: someUUID, Keystore: someID, Permission: "7", Build: "1", Running: "2",
	})
}

// named adds what the in-memory service knows by fixed names, or takes under any name.
func named(s *Scene) *Scene {
	s.JobName, s.KeystoreName, s.Repository, s.RepositoryID, s.GitCode = "nightly", "a.jks", "demo", "1", "1"
	s.Endpoint, s.Image, s.Step, s.Stage, s.Report, s.Updates = "e0f1", "i", "9", "stage2", "r", [2]int{1, 2}
	return s
}

// Example is the scene of the documented example of an operation, where a client compares the two.
func (s *Scene) Example(operation string) *Scene {
	switch operation {
	case "ShowJobBuildRecordDetail":
		s.Job, s.Build = "68491d9bc97b4774adb93e29b46d2dc6", "532"
	case "DownloadBuildRealTimeLog":
		s.Offset = 542993
	}
	return s
}
