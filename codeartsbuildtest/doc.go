// Package codeartsbuildtest is CodeArts Build for tests: a service with jobs, builds, logs and the login of
// IAM, kept in memory. It answers with the documented bodies and behaves as the service is documented or
// was seen to: stops take some seconds, tokens expire, signatures are checked.
//
//	srv := codeartsbuildtest.NewServer()
//	defer srv.Close()
//	job := srv.AddJob("nightly")
//	build := srv.StartBuild(job)
//	srv.Next("StopJob", codeartsbuildtest.DropAnswer()) // the first stop takes effect, its answer is lost
//	_, err := srv.Client().Jobs.Stop(ctx, job, build)
//
// Nothing in it is random and nothing in it ticks: what changes by itself is worked out from time.Now when
// somebody looks. It therefore works inside a bubble of testing/synctest, as long as [Server.Start] is
// not called.
//
// What it serves: the three stop calls, ExecuteJob and RunJob, the job calls ListJob, ListProjectJobs,
// ShowJobInfo, ShowJobStatus, ShowRunningStatus and ShowBuildDetails, the record calls ListRecords,
// ListBuildInfoRecordByJobId, ShowBuildInfoRecord, ShowBuildRecord and ShowJobBuildRecordDetail, and the
// log calls DownloadBuildRealTimeLog, DownloadBuildFullLog, DownloadTaskLog and ShowLogAnalysis. Lists are
// in the order in which jobs were added, and newest build first; the parameters sort, sort_field and
// sort_order change nothing. Every other path is answered as the gateway answers one that is not
// published: 404 with APIGW.0101.
package codeartsbuildtest
