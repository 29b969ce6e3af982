package workflow

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"

	"gonum.org/v1/plot/plotter"

	"github.com/codeartsbuild-go/codeartsbuild/bench/chart"
)

var drawTo = flag.String("draw", "", "the folder to draw charts to")

// A way is one of the ways to do a task, with what it took for each size of the task.
type way struct {
	name  string
	costs []Cost
}

// TestWorkflowCharts does tasks of up to 1,000 jobs, 1,000 builds and 256 MiB, draws the charts and logs the tables of
// README.md.
func TestWorkflowCharts(t *testing.T) {
	if *drawTo == "" {
		t.Skip("draws only with -draw")
	}
	sizes := []int{1, 10, 100, 1000}
	few, all := sweeps(t, sizes, false), sweeps(t, sizes, true)
	save(t, "workflow-sweep.svg", &chart.Grid{Title: "A sweep of a project: stop the builds that newer ones supersede", Panels: []chart.LinePanel{
		panel("5 jobs have active builds", "jobs", "requests", sizes, few, requests),
		panel("all jobs have active builds", "jobs", "requests", sizes, all, requests),
		panel("5 jobs have active builds", "jobs", "seconds", sizes, few, seconds),
		panel("all jobs have active builds", "jobs", "seconds", sizes, all, seconds),
	}})
	same, different := waits(t, sizes, true), waits(t, sizes, false)
	save(t, "workflow-wait.svg", &chart.Grid{Title: "A wait of 10 minutes for builds that run at the same time", Panels: []chart.LinePanel{
		panel("builds of one job", "builds", "requests", sizes, same, requests),
		panel("each build of another job", "builds", "requests", sizes, different, requests),
	}})
	mebibytes := []int{1, 4, 16, 64, 256}
	logs := logWays(t, mebibytes)
	save(t, "workflow-log.svg", &chart.Grid{Title: "The log of a build that writes 1 MiB a second", Panels: []chart.LinePanel{
		panel("requests", "MiB", "requests", mebibytes, logs, requests),
		panel("transfer", "MiB", "MiB transferred", mebibytes, logs, transferred),
	}})
	table(t, "jobs, 5 of them active", sizes, few)
	table(t, "jobs, all active", sizes, all)
	table(t, "builds of one job", sizes, same)
	table(t, "builds of as many jobs", sizes, different)
	table(t, "MiB", mebibytes, logs)
}

func sweeps(t *testing.T, sizes []int, allActive bool) []way {
	t.Helper()
	module, hand := way{name: "this module"}, way{name: "loop by hand"}
	for _, n := range sizes {
		p := Project{Jobs: n, Active: min(n, 5), Finished: 30}
		if allActive {
			p.Active = n
		}
		module.costs, hand.costs = append(module.costs, measure(t, Sweep, p)), append(hand.costs, measure(t, SweepByHand, p))
	}
	return []way{module, hand}
}

func waits(t *testing.T, sizes []int, oneJob bool) []way {
	t.Helper()
	module, hand := way{name: "this module"}, way{name: "loop by hand, every 10 s"}
	for _, n := range sizes {
		b := Builds{n, oneJob}
		module.costs, hand.costs = append(module.costs, measure(t, Wait, b)), append(hand.costs, measure(t, WaitByHand, b))
	}
	return []way{module, hand}
}

func logWays(t *testing.T, mebibytes []int) []way {
	t.Helper()
	follow, hand, download := way{name: "Follow"}, way{name: "by hand: download every 10 s"}, way{name: "Wait, then Download"}
	for _, n := range mebibytes {
		follow.costs = append(follow.costs, measure(t, Follow, n))
		hand.costs = append(hand.costs, measure(t, FollowByHand, n))
		download.costs = append(download.costs, measure(t, Download, n))
	}
	return []way{follow, hand, download}
}

func requests(c Cost) float64    { return float64(c.Requests) }
func seconds(c Cost) float64     { return c.Took.Seconds() }
func transferred(c Cost) float64 { return float64(c.Bytes) / mebibyte }

func panel(title, x, y string, sizes []int, ways []way, figure func(Cost) float64) chart.LinePanel {
	p := chart.LinePanel{Title: title, X: x, Y: y, Log: true}
	for _, w := range ways {
		line := chart.Line{Name: w.name}
		for i, cost := range w.costs {
			line.Points = append(line.Points, plotter.XY{X: float64(sizes[i]), Y: figure(cost)})
		}
		p.Lines = append(p.Lines, line)
	}
	return p
}

// table logs a table with a row for each size of a task.
func table(t *testing.T, unit string, sizes []int, ways []way) {
	t.Helper()
	head, rule := "| "+unit+" |", "|--:|"
	for _, w := range ways {
		head, rule = head+" "+w.name+" |", rule+"--:|"
	}
	text := head + "\n" + rule + "\n"
	for i, size := range sizes {
		text += fmt.Sprintf("| %d |", size)
		for _, w := range ways {
			cost := w.costs[i]
			text += fmt.Sprintf(" %d requests, %.0f MiB, %.1f s |", cost.Requests, transferred(cost), seconds(cost))
		}
		text += "\n"
	}
	t.Log("\n" + text)
}

func save(t *testing.T, name string, grid *chart.Grid) {
	t.Helper()
	if err := grid.Save(filepath.Join(*drawTo, name)); err != nil {
		t.Fatal(err)
	}
}
