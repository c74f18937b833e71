import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PortkitError, systemCode } from '../../base/errors.ts';
import type { Finding } from '../store.ts';
import { packUses, rewritePacks } from './compact.ts';
import type { PackUse } from './compact.ts';
import { readPackTable } from './pack.ts';
import { isOtherKind } from './plain-file.ts';
import { keepCopy, moveAway } from './quarantine.ts';
import { adoptPack } from './rebuild.ts';
import type { State } from './state.ts';
import { toTrash } from './trash.ts';

/** A pack's table must be whole: without it the index could not be made anew. */
export async function checkPacks(state: State, repair: boolean): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const pack of packUses(state)) {
    try {
      readPackTable(pathOf(state, pack));
    } catch (error) {
      const problem = problemOf(error);
      const repaired = repair && problem !== 'unreadable';
      if (repaired) await replacePack(state, pack);
      findings.push({ problem, object: 'pack', name: pack.name, detail: 'its table cannot be read', repaired });
    }
  }
  return findings;
}

/** What is sound in a damaged pack goes into a new one, and a copy of the file is kept; the rest are misses from then on. */
async function replacePack(state: State, pack: PackUse): Promise<void> {
  const path = pathOf(state, pack);
  const kept = keepCopy(state, path);
  await rewritePacks(state, [pack]);
  state.index.write('drop a damaged pack', () => {
    state.forgetPacks();
    // A new pack with the same blobs has the same name, and has taken the place of the damaged one.
    if (state.index.sql('DELETE FROM packs WHERE id = ?').run(pack.id).changes === 0) return;
    state.index.sql('DELETE FROM blobs WHERE pack = ?').run(pack.id);
    state.index.bump('generation');
    if (kept) toTrash(state.layout, path);
    else moveAway(state, path, `${pack.name}.pack`);
  });
}

/** Packs that the index does not know: a crash between a rename and its commit leaves one. */
export function checkOrphanPacks(state: State, repair: boolean): readonly Finding[] {
  const names = readdirSync(state.layout.packs);
  const known = new Set(packUses(state).map(({ name }) => `${name}.pack`));
  return names
    .filter((name) => !known.has(name))
    .map((name) => {
      if (repair) adoptPack(state, name);
      return { problem: 'orphan', object: 'pack', name, detail: 'the index does not know it', repaired: repair };
    });
}

/** What an error says about the thing that was read. */
export function problemOf(error: unknown): 'corrupt' | 'missing' | 'unreadable' {
  if (error instanceof PortkitError && error.code === 'PK2001') return 'corrupt';
  if (systemCode(error) === 'ENOENT') return 'missing';
  return isOtherKind(error) ? 'corrupt' : 'unreadable';
}

function pathOf(state: State, pack: PackUse): string {
  return join(state.layout.packs, `${pack.name}.pack`);
}
