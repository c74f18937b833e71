import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { canary } from '../oci/asking.ts';

const encoded = Buffer.from(`me:${canary}`).toString('base64');

test('S1.2: a step that runs is given no login, and finds none of those of the user', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portkit-logins-'));
  const scratch = `/var/tmp/portkit-test-logins-${process.pid}`;
  try {
    const home = join(folder, 'home');
    const files = ['.config/portkit/auth.json', '.docker/config.json', '.lns-registry-auth.json', 'podman/auth.json'];
    for (const path of files.map((file) => join(home, file))) {
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, JSON.stringify({ auths: { 'registry.example': { auth: encoded } } }), { mode: 0o600 });
    }
    const script = [
      'set +e',
      'env > /out/env',
      'cat /proc/*/environ /proc/*/cmdline > /out/processes 2>&1',
      ...files.flatMap((file) => [`cat '${join(home, file)}' "$HOME/${file}"`, `ls -a '${home}'`]),
      'find / -xdev -name "*auth.json" -o -xdev -name config.json -path "*docker*"',
    ].join('; ');
    const definition = `[steps.look]\nexec = { script = ${JSON.stringify(`{ ${script}; } > /out/said 2>&1; true`)} }\n`;
    mkdirSync(join(folder, 'project'));
    writeFileSync(join(folder, 'project/portkit.toml'), definition);
    const env = {
      PATH: process.env['PATH'],
      HOME: home,
      PORTKIT_ROOT: join(folder, 'store'),
      PORTKIT_SCRATCH: scratch,
      DOCKER_CONFIG: join(home, '.docker'),
      REGISTRY_AUTH_FILE: join(home, 'podman/auth.json'),
      DOCKER_AUTH_CONFIG: encoded,
    };
    const args = [join(process.cwd(), 'bin/portkit'), 'build', '--output', 'type=local,dest=out'];
    const done = spawnSync('sh', args, { encoding: 'utf8', cwd: join(folder, 'project'), env });
    expect([done.status, done.stderr]).toEqual([0, expect.any(String)]);
    const said = readFileSync(join(folder, 'project/out/said'), 'utf8');
    expect(said.match(/No such file/g)?.length).toBeGreaterThanOrEqual(files.length);
    expect(said).not.toMatch(/^\/.*auth\.json$/m);
    const made = ['project/out/**/*', 'store/**/*'].flatMap((below) => globSync(below, { cwd: folder }));
    const texts = made.map((file) => join(folder, file)).filter((path) => statSync(path).isFile());
    expect(texts.length).toBeGreaterThan(3);
    for (const path of texts) {
      const text = readFileSync(path, 'latin1');
      expect([path, text.includes(canary), text.includes(encoded)]).toEqual([path, false, false]);
    }
    expect(readFileSync(join(folder, 'project/out/env'), 'utf8')).not.toMatch(/^(?:DOCKER|REGISTRY|PORTKIT)_/m);
    for (const secret of [canary, encoded]) expect(done.stdout + done.stderr).not.toContain(secret);
  } finally {
    for (const path of [folder, scratch]) rmSync(path, { recursive: true, force: true });
  }
});
