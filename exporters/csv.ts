/**
 * One line of comma-separated fields by the rules of Go's encoding/csv, which BuildKit's options follow: a field that begins
 * with a quote ends with one, and a quote within is doubled; other fields have none. Undefined when it is not such a line.
 */
export function csvFields(line: string): readonly string[] | undefined {
  const fields: string[] = [];
  const field = /"((?:[^"]|"")*)"|([^",]*)/y;
  for (let at = 0; ;) {
    field.lastIndex = at;
    const found = field.exec(line);
    if (found === null) return undefined;
    fields.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? '');
    at = field.lastIndex;
    if (at === line.length) return fields;
    if (line[at] !== ',') return undefined;
    at += 1;
  }
}
