package main

import (
	"regexp"
	"testing"

	"github.com/codeartsbuild-go/codeartsbuild/codeartsbuildtest"
)

func TestArtifacts(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	job := server.AddJob("nightly")
	build := server.StartBuild(job)
	server.Always("ShowNewOutput", codeartsbuildtest.Reply(200, `{"status":"success","error":null,"result":{
		"package_info":{"name":"app","version":"1.2","package_type":"jar","uri":"/1/app.jar","type":"build"},
		"package_infos":{"a":{"name":"app","version":"1.2","package_type":"jar","uri":"/1/app.jar","type":"build"}},
		"image_infos":{"b":{"name":"img\u001b[2J","version":"3","uri":"swr/img:3"}}}}`))
	for format, want := range map[string]string{
		"text": `^KIND +TYPE +VERSION +NAME +URI\npackage +jar +1.2 +app +/1/app.jar\nimage +- +3 +"img\\x1b\[2J" +swr/img:3\n$`,
		"json": `^{"event":"package","name":"app","version":"1.2","type":"build","package_type":"jar","uri":"/1/app.jar"}\n{"event":"image","name":"img\\u001b\[2J","version":"3","uri":"swr/img:3"}\n$`,
	} {
		stdout, stderr, code := call(t, "artifacts", "--job", job, "--build", build, "--endpoint", server.URL, "-o", format)
		if code != 0 || stderr != "" || !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("%s: exit %d, stdout:\n%s\nstderr %q, want\n%s", format, code, stdout, stderr, want)
		}
	}
	if stdout, _, code := call(t, "artifacts", "--job", job); code != exitUsage || stdout != "" {
		t.Errorf("without a build: exit %d, stdout %q, want 2", code, stdout)
	}
}
