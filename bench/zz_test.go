package bench
import ("testing";"context";"net/http";"github.com/codeartsbuild-go/codeartsbuild")
func BenchmarkZZClient(b *testing.B){
 client := newClient(b, "https://b.example.com", codeartsbuild.WithTransport(&memory{statuses: []int{200}, bodies: []string{accepted}}))
 b.ReportAllocs()
 for b.Loop(){ client.Jobs.Stop(context.Background(), jobID, buildNo)}
}
func BenchmarkZZBare(b *testing.B){
 m := &memory{statuses: []int{200}, bodies: []string{accepted}}
 req,_ := http.NewRequest("POST","https://b.example.com/v3/jobs/stop",nil)
 b.ReportAllocs()
 for b.Loop(){ r,_ := m.RoundTrip(req); r.Body.Close()}
}
func BenchmarkZZHand(b *testing.B){
 hand := &http.Client{Transport: &memory{statuses: []int{200}, bodies: []string{accepted}}}
 b.ReportAllocs()
 for b.Loop(){ byHand(context.Background(), hand, "https://b.example.com")}
}
