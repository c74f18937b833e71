import { expect, test } from 'vitest';
import { commands } from './commands/index.ts';
import { commandHelp, generalHelp } from './help.ts';

test('every command is listed once, with its summary', () => {
  const lines = generalHelp().split('\n');
  for (const [name, { summary }] of Object.entries(commands)) {
    expect(lines.filter((line) => line.startsWith(`  ${name} `) && line.endsWith(`  ${summary}`), name).length).toBe(1);
  }
});

test.each(Object.entries(commands))('the help of %s fits a terminal, and has no heading without options', async (name, entry) => {
  const command = await entry.load();
  const text = commandHelp(command);
  expect(text).toMatch(new RegExp(`^Usage: portkit ${name}\\b`));
  expect(text).not.toMatch(/Options:$/);
  for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(130);
});

test('whoever speaks to registries says the exit statuses', async () => {
  const texts = new Map<string, string>();
  for (const [name, entry] of Object.entries(commands)) {
    const command = await entry.load();
    if (Object.keys(command.options).some((option) => option.endsWith('plain-http'))) texts.set(name, commandHelp(command));
  }
  expect(texts.size).toBeGreaterThanOrEqual(12);
  for (const [name, text] of texts) {
    const statuses = name === 'login' ? /Exit status: [^]*\b5 [^]*\b6 / : /Exit status: [^]*\b5 [^]*\b6 [^]*\b7 /;
    expect(text, name).toMatch(statuses);
  }
  for (const name of ['artifacts', 'build']) {
    const command = await commands[name]?.load();
    expect(command && commandHelp(command)).toMatch(/Exit status: [^]*\b5 [^]*\b6 [^]*\b7 /);
  }
});
