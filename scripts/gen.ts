import { readFileSync, writeFileSync } from 'node:fs';
import { codes } from '../src/base/errors.ts';

/** Writes docs/errors.md from the table of codes; with --check it only says whether the file is current. */
const path = new URL('../docs/errors.md', import.meta.url);
const rows = Object.entries(codes).map(([code, { title, exit, grpc }]) => `| ${code} | ${title} | ${exit} | ${grpc} |`);
const text = `# Error codes

Made by \`make gen\` from \`src/base/errors.ts\`. \`portkit explain CODE\` prints the long form.

| Code | Meaning | Exit status | gRPC status |
| --- | --- | --- | --- |
${rows.join('\n')}
`;

if (!process.argv.includes('--check')) writeFileSync(path, text);
else if (readFileSync(path, 'utf8') !== text) {
  console.error('docs/errors.md is not current: run "make gen"');
  process.exitCode = 1;
}
