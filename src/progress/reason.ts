import { never } from '../base/exhaustive.ts';
import { printable } from '../base/printable.ts';
import type { Reason } from './event.ts';

/** Reasons that are named; the others are counted. */
const named = 3;
/** Changed paths of one input that are named. */
const namedPaths = 2;
/** Values up to this length stand beside the name of what changed. */
const shortValue = 24;

/** Why a step runs, in the few words that fit behind its name; safe to print, whatever names and values hold. */
export function reasonText(reasons: readonly Reason[]): string {
  const words = reasons.slice(0, named).map(oneReason);
  if (reasons.length > named) words.push(`and ${reasons.length - named} more`);
  return printable(words.join(', '));
}

function oneReason(reason: Reason): string {
  const { kind, name = '' } = reason;
  switch (kind) {
    case 'new':
    case 'forced':
      return kind;
    case 'evicted':
      return 'its result was evicted';
    case 'upstream':
      return `after ${name} changed`;
    case 'portkit':
      return `portkit itself changed${values(reason)}`;
    case 'environment':
      return changed('env', reason);
    case 'input':
    case 'option':
    case 'tool':
      return changed(kind, reason);
    default:
      return never(kind);
  }
}

function changed(what: string, reason: Reason): string {
  const [had, has] = [reason.before !== undefined, reason.after !== undefined];
  const verb = had === has ? 'changed' : has ? 'added' : 'removed';
  return `${what} ${reason.name ?? ''} ${verb}${values(reason)}`;
}

/** ` (before→after)`, or the first paths that differ; nothing when a value is missing or too long to be read. */
function values({ before, after, paths = [] }: Reason): string {
  if (paths.length > 0) return ` (${[...paths.slice(0, namedPaths), ...(paths.length > namedPaths ? ['…'] : [])].join(', ')})`;
  if (before === undefined || after === undefined) return '';
  const [from, to] = [shortened(before), shortened(after)];
  return Math.max(from.length, to.length) > shortValue || from === to ? '' : ` (${from}→${to})`;
}

function shortened(value: string): string {
  return value.replace(/^sha(?:256|512):([0-9a-f]{8})[0-9a-f]*$/, '$1');
}
