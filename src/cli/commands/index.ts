import type { Command } from '../command.ts';

interface Entry {
  readonly summary: string;
  load(): Promise<Command>;
}

/** Every command by name; its file is read when it is named. */
export const commands: Readonly<Record<string, Entry>> = {
  cache: {
    summary: 'look after the store: du, ls, prune, verify, rebuild-index',
    load: async () => (await import('./cache.ts')).cache,
  },
  doctor: { summary: 'check this machine and the store', load: async () => (await import('./doctor.ts')).doctor },
  explain: { summary: 'explain an error code', load: async () => (await import('./explain.ts')).explain },
};
