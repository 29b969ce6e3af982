package codeartsbuild

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPayloadOfAnEnvelope(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, want string }{
		"an object":                     {`{"status":"success","result":{"a":1},"error":null}`, `{"a":1}`},
		"false":                         {`{"result":false,"status":"success"}`, `false`},
		"false in a larger envelope":    {`{"result":false,"trace":"7f"}`, `false`},
		"an empty list":                 {`{"result":[],"status":"success"}`, `[]`},
		"an empty list in a larger one": {`{"trace":"7f","result":[]}`, `[]`},
		"null":                          {`{"error":null,"result":null,"status":"success"}`, `null`},
		"null, in the old envelope":     {`{"success":true,"message":"","err_code":"","result":null}`, `null`},
		"null beside the payload":       {`{"result":null,"actual_build_number":"20"}`, `{"result":null,"actual_build_number":"20"}`},
		"an empty text beside it":       {`{"actual_build_number":"20","result":""}`, `{"actual_build_number":"20","result":""}`},
		"without an envelope":           {`{"jobs":[],"total":0}`, `{"jobs":[],"total":0}`},
		"a bare value":                  {`true`, `true`},
		"nothing":                       {``, ``},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, string(unenvelope([]byte(tt.body))))
		})
	}
}
