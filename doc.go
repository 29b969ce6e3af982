// Package codeartsbuild is a client for CodeArts Build, the hosted build service of Huawei Cloud. It stops, starts and
// watches builds, reads their logs, and reaches the whole API.
//
//	client, err := codeartsbuild.NewClient(
//		codeartsbuild.WithRegion("cn-north-4"),
//		codeartsbuild.WithEnvironment(), // the credential: variables, profile file, instance
//	)
//	if err != nil {
//		return err
//	}
//	_, err = client.Jobs.Stop(ctx, jobID, "811")
//
// # Stopping
//
// After a nil error of [JobsService.Stop] the service has accepted the stop. [JobsService.StopAndWait] returns nil only
// when that very build was read back as finished. To stop builds that a newer push superseded, that run too long, or that
// belong to a closed branch, see [BuildsService.PlanSuperseded], [BuildsService.PlanRunaway], [BuildsService.PlanBranches]
// and, for all jobs of a project, [BuildsService.PlanProject]. Plans only read; [BuildsService.StopPlanned] acts.
//
// # Running and watching
//
// [JobsService.Run] starts a build. [BuildsService.Wait] waits until it has finished, and copies its log meanwhile if
// WaitOptions.Log is set. [LogsService.Follow], [LogsService.Tail] and [LogsService.Download] read logs.
//
// # The rest of the service
//
// The services of a [Client] have one method for each documented operation: Builds (records, stages, artifacts), Jobs
// (configuration, permissions, recycle bin), Logs, Templates, Keystores, Groups, Reports, Repositories, Images and Account.
// [Client.Do] reaches operations without a method.
//
// # Errors
//
// A response that reports a failure is an [*APIError] with status, code, message and request id. errors.Is finds the kind
// of an error among the Err… values. [ErrOutcomeUnknown] can accompany any other kind: the request may have taken effect,
// as after a lost response. A single call that fails without it had no effect.
//
// An invalid id, number or option is [ErrInvalidArgument], and nothing is sent.
//
// # Retries
//
// Calls are retried when that is safe, see [RetryPolicy]. Each attempt has its own timeout; all calls of a client share a
// retry budget. A call that must not run twice, such as [JobsService.Run], is sent again only if the service did not
// process it.
//
// # Credentials
//
// [WithTokenSource] takes IAM tokens, from [NewIAMTokenSource] for example, [WithAccessKeySource] signs requests, and
// [WithEnvironment] finds the credential of the machine. A credential goes to the endpoint, or to its IAM, and nowhere
// else: no redirect is followed with it, and no log, error or %+v shows it.
//
// # Testing
//
// Package codeartsbuildtest is the service in memory, with builds, logins, logs and faults.
package codeartsbuild
