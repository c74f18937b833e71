import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { jsonSchema } from '../frontends/toml/schema/json.ts';
import { codes } from '../src/base/errors.ts';

/** Writes the files that are made from the source; with --check it only says whether they are current. */
const rows = Object.entries(codes).map(([code, { title, exit, grpc }]) => `| ${code} | ${title} | ${exit} | ${grpc} |`);
const files: Readonly<Record<string, string>> = {
  'docs/errors.md': `# Error codes

Made by \`make gen\` from \`src/base/errors.ts\`. \`portkit explain CODE\` prints the long form.

| Code | Meaning | Exit status | gRPC status |
| --- | --- | --- | --- |
${rows.join('\n')}
`,
  'portkit.schema.json': `${JSON.stringify(jsonSchema(), undefined, 1)}\n`,
};

for (const [name, text] of Object.entries(files)) {
  const path = new URL(`../${name}`, import.meta.url);
  if (!process.argv.includes('--check')) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    console.error(`${name} is not current: run "make gen"`);
    process.exitCode = 1;
  }
}
