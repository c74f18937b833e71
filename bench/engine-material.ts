import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How many steps have one before them: chains of ten, and one step that joins them all. */
const chain = 10;

/** A definition of so many trivial steps that run in the process, in a folder of its own; answers its path. */
export function stepsDefinition(folder: string, count: number): string {
  mkdirSync(folder, { recursive: true });
  const steps = Array.from({ length: count }, (_, at) => {
    const write = `{ write = "/f${at}", text = "${at}\\n" }`;
    return `[steps.s${at}]\ntree = [${at % chain === 0 ? '' : `{ copy = "step:s${at - 1}", to = "/" }, `}${write}]\n`;
  });
  const last = Array.from({ length: Math.ceil(count / chain) }, (_, at) => `"step:s${Math.min(count, (at + 1) * chain) - 1}"`);
  const path = join(folder, 'portkit.toml');
  writeFileSync(path, `${steps.join('\n')}\n[steps.all]\nmerge = [${last.join(', ')}]\n`);
  return path;
}

/** The same shape for ninja and make: every step touches a file. */
export function stepsForMake(folder: string, count: number): string {
  mkdirSync(folder, { recursive: true });
  const before = (at: number): string => (at % chain === 0 ? '' : ` s${at - 1}`);
  const all = Array.from({ length: count }, (_, at) => at);
  const rules = all.map((at) => `build s${at}: touch${before(at)}`);
  writeFileSync(join(folder, 'build.ninja'), `rule touch\n  command = touch $out\n${rules.join('\n')}\n`);
  const targets = all.map((at) => `s${at}:${before(at)}\n\ttouch $@`);
  writeFileSync(join(folder, 'Makefile'), `all: ${all.map((at) => `s${at}`).join(' ')}\n${targets.join('\n')}\n`);
  return folder;
}

/** 30 steps over 5,000 source files in 30 folders, for us and for make. */
export function sourcesDefinition(folder: string, steps = 30, files = 5000): string {
  const each = Math.ceil(files / steps);
  const [ours, makes]: [string[], string[]] = [[], []];
  for (let step = 0; step < steps; step += 1) {
    mkdirSync(join(folder, `src${step}`), { recursive: true });
    for (let at = 0; at < each; at += 1) writeFileSync(join(folder, `src${step}`, `f${at}`), `${step} ${at}\n`);
    ours.push(`[steps.s${step}]\ntree = [{ copy = "local:src${step}", to = "/" }, { write = "/step", text = "${step}" }]\n`);
    makes.push(`out${step}: ${Array.from({ length: each }, (_, at) => `src${step}/f${at}`).join(' ')}\n\ttouch $@`);
  }
  writeFileSync(join(folder, 'portkit.toml'), ours.join('\n'));
  writeFileSync(join(folder, 'Makefile'), `all: ${makes.map((_, step) => `out${step}`).join(' ')}\n${makes.join('\n')}\n`);
  return join(folder, 'portkit.toml');
}

/** So many commands in the sandbox that do nothing, none of them the same work. */
export function sandboxedDefinition(folder: string, count: number): string {
  mkdirSync(folder, { recursive: true });
  const steps = Array.from(
    { length: count },
    (_, at) => `[steps.s${at}]\nexec = { argv = ["/bin/true"], env = { STEP = "${at}" } }\n`,
  );
  writeFileSync(join(folder, 'portkit.toml'), steps.join('\n'));
  return join(folder, 'portkit.toml');
}
