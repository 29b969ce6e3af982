// Package loosejson decodes JSON whose spelling varies and whose structure does not.
//
// The service writes a number where it documents a string and the reverse, 5.0 for 5, "TRUE" for true, and
// times in a dozen spellings. [Unmarshal] reads all of them into plain structs with json tags. It rejects an
// object where a list is documented; the error names the place.
//
// The rules:
//   - A member belongs to the field whose json tag equals its name, letter case included. A tag also:"a,b"
//     adds names: of all members with one of the names, the last that is not blank counts, see [IsBlank].
//   - Of a member that comes twice the last counts. An unknown member is ignored.
//   - null, "" and an absent member are the zero value, also of structs, slices and maps.
//   - A string takes the text of a number or bool. The number 5.0 is "5"; the string "5.0" stays.
//   - A number takes a string. A text that is not a number, or a number out of range, is 0.
//   - A bool is true for true, "true" in any letter case, 1 and "1".
//   - A [time.Time] takes every spelling that [Time] knows.
//   - A type with UnmarshalJSON decides for itself. One with UnmarshalText gets the value's [Text].
//   - A json.RawMessage is a copy of the value, also of null. An any is read by encoding/json.
//   - A field of type map[string]json.RawMessage with the tag json:",unknown" keeps copies of the unknown
//     members, and [Marshal] writes them back. A value that is read, changed and sent loses none.
//
// [Fits] tells whether Unmarshal supports a type. [Members], [First], [Text], [Is] and [IsBlank] look at a
// few members without a struct; they take one value, with or without white space around it.
//
// All input must be valid JSON, as json.Valid reports. The result for other input is unspecified, but not a
// panic.
package loosejson
