package codeartsbuild

import (
	"encoding/json"
	"go/ast"
	"go/types"
	"io"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/codeartsbuild-go/codeartsbuild/internal/loosejson"
)

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// B128: Every call passes as many arguments as its operation has placeholders and args, and every operation is called.
func TestOperationArguments(t *testing.T) {
	t.Parallel()
	operations := operationLiterals(t)
	calls := operationCalls(t, operations)
	for variable, arguments := range operations {
		require.NotEmpty(t, calls[variable], "no call uses %s", variable)
		for _, passed := range calls[variable] {
			require.Equal(t, len(arguments), passed, "the arguments of a call with %s are %v", variable, arguments)
		}
		for _, name := range arguments {
			require.True(t, hasRule(name), "ruleOf must know %s of %s", name, variable)
		}
	}
}

// B128: Every documented placeholder has a rule, also those of operations without a method.
func TestPlaceholdersHaveRules(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/operations.json")
	require.NoError(t, err)
	var document struct{ Operations []documented }
	require.NoError(t, json.Unmarshal(data, &document))
	require.NotEmpty(t, document.Operations)
	for _, op := range document.Operations {
		for _, match := range placeholder.FindAllStringSubmatch(op.Path, -1) {
			require.True(t, hasRule(match[1]), "ruleOf must know %s of %s", match[1], op.Operation)
		}
	}
}

func hasRule(name string) bool {
	_, ok := ruleOf(name)
	return ok || name == "build_no" || name == "build_number"
}

// Each value of a documented enumeration is an exported constant of a type of its own.
func TestDocumentedEnumerationsHaveConstants(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/operations.json")
	require.NoError(t, err)
	var document struct{ Operations []documented }
	require.NoError(t, json.Unmarshal(data, &document))
	constants, values := typedConstants(t), 0
	for _, op := range document.Operations {
		for _, param := range op.Params {
			for _, limit := range param.Limits {
				words, ok := strings.CutPrefix(limit, "one of ")
				if op.Status != "current" || !ok || words == "true|false" {
					continue
				}
				for word := range strings.SplitSeq(words, "|") {
					values++
					require.True(t, constants[word], "%s of %s can be %s, which must be a constant", param.Name, op.Operation, word)
				}
			}
		}
	}
	require.GreaterOrEqual(t, values, 25)
}

// typedConstants are the values of the exported constants that have a type.
func typedConstants(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, file := range parseSources(t) {
		ast.Inspect(file, func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			for i := 0; ok && spec.Type != nil && i < len(spec.Values); i++ {
				if literal, isLiteral := spec.Values[i].(*ast.BasicLit); isLiteral && spec.Names[i].IsExported() {
					value, _ := strconv.Unquote(literal.Value)
					found[value] = true
				}
			}
			return true
		})
	}
	return found
}

// operationLiterals finds the variables of type operation, and the names of the arguments that a call of each takes.
func operationLiterals(t *testing.T) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	for _, file := range parseSources(t) {
		for _, decl := range file.Decls {
			ast.Inspect(decl, func(node ast.Node) bool {
				spec, ok := node.(*ast.ValueSpec)
				for i := 0; ok && i < len(spec.Values); i++ {
					if literal := literalOf(spec.Values[i], "operation"); literal != nil {
						found[spec.Names[i].Name] = argumentNames(literal)
					}
				}
				return true
			})
		}
	}
	require.NotEmpty(t, found)
	return found
}

// literalOf returns e if it is a composite literal of the type, and nil otherwise.
func literalOf(e ast.Expr, typ string) *ast.CompositeLit {
	if literal, ok := e.(*ast.CompositeLit); ok && literal.Type != nil && types.ExprString(literal.Type) == typ {
		return literal
	}
	return nil
}

// argumentNames returns the placeholders of the path of an operation, and its args.
func argumentNames(literal *ast.CompositeLit) []string {
	names := []string{}
	for _, match := range placeholder.FindAllStringSubmatch(literalFields(literal)["path"], -1) {
		names = append(names, match[1])
	}
	for _, element := range literal.Elts {
		pair := element.(*ast.KeyValueExpr)
		if args := literalOf(pair.Value, "[]string"); args != nil && types.ExprString(pair.Key) == "args" {
			for _, arg := range args.Elts {
				name, _ := strconv.Unquote(types.ExprString(arg))
				names = append(names, name)
			}
		}
	}
	return names
}

// operationCalls finds the calls with each operation, and how many arguments for its placeholders they pass.
func operationCalls(t *testing.T, operations map[string][]string) map[string][]int {
	t.Helper()
	calls := make(map[string][]int)
	for _, file := range parseSources(t) {
		for _, decl := range file.Decls {
			started := "" // the operation of the latest newCall, which the next do of the function makes
			ast.Inspect(decl, func(node ast.Node) bool {
				call, ok := node.(*ast.CallExpr)
				if !ok {
					return true
				}
				used := usedOperation(call, operations)
				switch name := functionName(call); {
				case name == "newCall":
					started = used
				case name == "do" && started != "":
					calls[started] = append(calls[started], countArguments(t, started, call.Args))
				case used != "":
					calls[used] = append(calls[used], countArguments(t, used, call.Args))
				}
				return true
			})
		}
	}
	return calls
}

// usedOperation returns the variable that a call has an argument &variable for, or "".
func usedOperation(call *ast.CallExpr, operations map[string][]string) string {
	for _, arg := range call.Args {
		variable, ok := strings.CutPrefix(types.ExprString(arg), "&")
		if _, known := operations[variable]; ok && known {
			return variable
		}
	}
	return ""
}

// functionName returns the last part of the name of the called function, without type arguments.
func functionName(call *ast.CallExpr) string {
	name, _, _ := strings.Cut(types.ExprString(call.Fun), "[")
	return name[strings.LastIndexByte(name, '.')+1:]
}

// countArguments counts the elements of the []string among the arguments of a call; nil stands for none.
func countArguments(t *testing.T, operation string, args []ast.Expr) int {
	t.Helper()
	none := false
	for _, arg := range args {
		if list := literalOf(arg, "[]string"); list != nil {
			return len(list.Elts)
		}
		none = none || types.ExprString(arg) == "nil"
	}
	require.True(t, none, "a call with %s must pass its arguments as a literal", operation)
	return 0
}

// resultTypes are the types that calls return, each once. An entry is made by hand, since a test cannot turn the name of
// a type into the type.
var resultTypes = []reflect.Type{
	reflect.TypeFor[AccountChargeType](), reflect.TypeFor[AccountPermissions](), reflect.TypeFor[AccountProject](),
	reflect.TypeFor[AccountQuota](), reflect.TypeFor[AccountStatus](), reflect.TypeFor[BuildArtifacts](),
	reflect.TypeFor[BuildGraph](), reflect.TypeFor[BuildRecord](), reflect.TypeFor[BuildResult](),
	reflect.TypeFor[Job](), reflect.TypeFor[JobDeletion](), reflect.TypeFor[JobDisabling](),
	reflect.TypeFor[JobEndpoint](), reflect.TypeFor[JobInfo](), reflect.TypeFor[JobPermission](),
	reflect.TypeFor[JobPipelineInfo](), reflect.TypeFor[JobStepStatus](), reflect.TypeFor[JobUpdate](),
	reflect.TypeFor[Keystore](), reflect.TypeFor[KeystorePermission](), reflect.TypeFor[KeystoreUploadResult](),
	reflect.TypeFor[LogAnalysis](), reflect.TypeFor[LogPage](), reflect.TypeFor[ReportBuildTimes](),
	reflect.TypeFor[ReportSuccessRatio](), reflect.TypeFor[ReportSummary](), reflect.TypeFor[RepositoryBranch](),
	reflect.TypeFor[RepositoryGitCode](), reflect.TypeFor[RepositoryNames](), reflect.TypeFor[RepositoryTag](),
	reflect.TypeFor[RunResult](), reflect.TypeFor[RunningStatus](), reflect.TypeFor[StopResult](),
	reflect.TypeFor[Template](), reflect.TypeFor[TemplateCreateResult](), reflect.TypeFor[TemplateRecommendation](),
	reflect.TypeFor[[]AccountDomain](), reflect.TypeFor[[]AccountExpiry](), reflect.TypeFor[[]AccountPackage](),
	reflect.TypeFor[[]BuildBrief](), reflect.TypeFor[[]BuildParameter](), reflect.TypeFor[[]Group](),
	reflect.TypeFor[[]GroupMove](), reflect.TypeFor[[]JobNotice](), reflect.TypeFor[[]JobParameter](),
	reflect.TypeFor[[]JobPermission](), reflect.TypeFor[[]JobRolePermission](), reflect.TypeFor[[]JobSystemParameter](),
	reflect.TypeFor[[]Keystore](), reflect.TypeFor[[]string](), reflect.TypeFor[accountProjectList](),
	reflect.TypeFor[accountSummary](), reflect.TypeFor[bool](), reflect.TypeFor[buildCount](),
	reflect.TypeFor[buildRecord](), reflect.TypeFor[buildRecordResponse](), reflect.TypeFor[buildRow](),
	reflect.TypeFor[buildStages](), reflect.TypeFor[buildSummary](), reflect.TypeFor[configReading](),
	reflect.TypeFor[favourite](), reflect.TypeFor[imageList](), reflect.TypeFor[io.ReadCloser](),
	reflect.TypeFor[jobReference](), reflect.TypeFor[keepTime](), reflect.TypeFor[logPiece](),
	reflect.TypeFor[parameterKinds](), reflect.TypeFor[reportCoverageList](), reflect.TypeFor[string](),
}

// B128: Every type that a response is decoded into is one that loosejson can read. A type that decodes itself need not be, and
// a file is not decoded.
func TestResultTypesFit(t *testing.T) {
	t.Parallel()
	listed := make(map[string]bool)
	for _, typ := range resultTypes {
		name := strings.ReplaceAll(typ.String(), "codeartsbuild.", "")
		require.False(t, listed[name], "%s is listed twice", name)
		listed[name] = true
		_, own := reflect.New(typ).Interface().(payloadDecoder)
		if !own && typ != reflect.TypeFor[io.ReadCloser]() {
			require.NoError(t, loosejson.Fits(typ))
		}
	}
	used := usedResultTypes(t)
	for name := range used {
		require.True(t, listed[name], "resultTypes must have %s", name)
	}
	require.Equal(t, slices.Sorted(maps.Keys(used)), slices.Sorted(maps.Keys(listed)), "resultTypes must have no type that no call uses")
}

// usedResultTypes finds the type arguments of all calls of the generic helpers, outside of the helpers themselves.
func usedResultTypes(t *testing.T) map[string]bool {
	t.Helper()
	helpers := []string{"fetch", "fetchValue", "listPage", "listAll"}
	used := make(map[string]bool)
	for _, file := range parseSources(t) {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && slices.Contains(helpers, f.Name.Name) {
				continue
			}
			ast.Inspect(decl, func(node ast.Node) bool {
				call, ok := node.(*ast.CallExpr)
				if !ok || !slices.Contains(helpers, functionName(call)) {
					return true
				}
				if explicit, ok := call.Fun.(*ast.IndexExpr); ok {
					used[types.ExprString(explicit.Index)] = true
				} else if key, ok := keyType(call); ok {
					used[key] = true
				}
				return true
			})
		}
	}
	require.NotEmpty(t, used)
	return used
}

// keyType returns the type of the rows of a listAll, which its function for the key of a row tells.
func keyType(call *ast.CallExpr) (string, bool) {
	for _, arg := range call.Args {
		if key, ok := arg.(*ast.FuncLit); ok {
			return strings.TrimPrefix(types.ExprString(key.Type.Params.List[0].Type), "*"), true
		}
	}
	return "", false
}
