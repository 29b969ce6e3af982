// Package codeartsbuild is a client for CodeArts Build, the hosted build service of Huawei Cloud: it stops,
// starts and watches builds and reads their logs.
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
// A nil error of [JobsService.Stop] means that the service accepted the stop. [JobsService.StopAndWait]
// returns nil only when that very build was read back as ended. To stop what a newer push made pointless,
// or what runs too long, see [BuildsService.PlanSuperseded], [BuildsService.PlanRunaway] and
// [BuildsService.StopPlanned].
//
// # Errors
//
// An answer that reports a failure is an [*APIError] with status, code, message and request id. The kind of an
// error is found by errors.Is with the Err… values. [ErrOutcomeUnknown] is an axis of its own: it holds
// beside any other kind when the request may have taken effect, such as after a lost answer. A single call
// that fails without it had no effect.
//
// An id, number or option that cannot be right is [ErrInvalidArgument], and nothing is sent.
//
// # Retries
//
// Calls are replayed while that is safe, see [RetryPolicy], each attempt with a time limit of its own and all of
// a client's within one budget. A call that must not run twice, [JobsService.Run], is sent again only when it
// cannot have been processed.
//
// # Credentials
//
// [WithTokenSource] takes IAM tokens, from [NewIAMTokenSource] for example, [WithAccessKeySource] signs
// requests, and [WithEnvironment] finds what the program's surroundings offer. A credential goes to the
// endpoint, or to the IAM that it is for, and nowhere else: no redirect is followed with it, and no log, error
// or %+v shows it.
//
// # Testing
//
// Package codeartsbuildtest is the service in memory, with builds, logins, logs and faults.
package codeartsbuild
