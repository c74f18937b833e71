import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './measure.ts';

/** Starts Debian's registry on a free port of the loopback, with its storage in a folder; it ends with this process. */
export function startRegistry(folder: string): string {
  const program = 'const s = net.createServer().listen(0, "127.0.0.1", () => (console.log(s.address().port), s.close()))';
  const host = `127.0.0.1:${spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' }).stdout.trim()}`;
  mkdirSync(folder);
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: host },
  };
  // YAML takes JSON.
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(config));
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], {
    stdio: 'ignore',
    env: { PATH: process.env['PATH'] },
  });
  child.unref();
  process.once('exit', () => child.kill('SIGKILL'));
  run(['sh', '-c', `for i in $(seq 200); do curl -s -o ${folder}/answer http://${host}/v2/ && exit 0; sleep 0.05; done; exit 1`]);
  return host;
}
