import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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
  ...protobuf(),
};

/** What buf and protoc-gen-es make of proto/, by path. */
function protobuf(): Readonly<Record<string, string>> {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const bin = join(root, 'node_modules/.bin');
  const folder = mkdtempSync(join(tmpdir(), 'portkit-gen-'));
  try {
    const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` };
    execFileSync(join(bin, 'buf'), ['generate', '--output', folder], { cwd: root, env, stdio: 'inherit' });
    const paths = globSync('**/*.ts', { cwd: folder });
    return Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const [name, text] of Object.entries(files)) {
  const path = new URL(`../${name}`, import.meta.url);
  if (!process.argv.includes('--check')) {
    mkdirSync(new URL('.', path), { recursive: true });
    writeFileSync(path, text);
  } else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    console.error(`${name} is not current: run "make gen"`);
    process.exitCode = 1;
  }
}
