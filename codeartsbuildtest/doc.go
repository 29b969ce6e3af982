// Package codeartsbuildtest is CodeArts Build for tests: a service with jobs, builds, logs and the login of
// IAM, kept in memory. Its responses have the documented bodies, and it behaves as the service is documented or
// was seen to: stops take some seconds, tokens expire, signatures are checked.
//
//	srv := codeartsbuildtest.NewServer()
//	defer srv.Close()
//	job := srv.AddJob("nightly")
//	build := srv.StartBuild(job)
//	srv.Next("StopJob", codeartsbuildtest.DropAnswer()) // the first stop takes effect, its response is lost
//	_, err := srv.Client().Jobs.Stop(ctx, job, build)
//
// Nothing in it is random and nothing in it ticks: a change that is due takes place when a request or a method looks
// for it. It therefore works inside a bubble of testing/synctest, as long as [Server.Start] is not called.
//
// A [Fault] stands in front of the service for one request ([Server.Next]) or for all ([Server.Always]): it loses the
// request or the response, replies in place of the service, or changes what goes through. [Server.Hide],
// [Server.FreezeList], [Server.SetStopDelay] and [Server.SetClock] make the service itself late.
//
// It serves every documented operation, the outdated ones included. Operations that need no state have the documented
// example as their response. Lists are in the order in which jobs were added, and have the newest build first; the
// parameters sort_field and sort_order change nothing. Every other path is rejected as the gateway rejects a path that
// is not published: 404 with APIGW.0101.
//
// It is strict, so that a client and the service cannot agree on a mistake: a parameter or a member of a body that is
// not documented, missing, of another type, out of range or outside its enumeration is rejected with 400 and
// CB.00060200, and the message names it. Only the configuration of a job may have members that are not documented; the
// service keeps them.
package codeartsbuildtest
