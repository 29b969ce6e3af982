// Package sdktest has what the SDK's external tests share: a client for a scripted transport, the in-memory
// service with a job and a build, the calls that most tests make, and the kinds of an error by name.
//
//	synctest.Test(t, func(t *testing.T) {
//		f := sdktest.NewBuild(t)
//		f.Next("StopJob", codeartsbuildtest.DropAnswer())
//		_, err := f.Client().Jobs.Stop(t.Context(), f.JobID, f.BuildNo)
//		require.Empty(t, sdktest.Kinds(err))
//	})
package sdktest
