import type { Finding } from './findings.ts';
import { suggest } from '../../src/base/suggest.ts';
import { quote } from './words.ts';

/** What `${…}` can stand for at one place. */
export interface Scope {
  readonly variables: ReadonlyMap<string, string>;
  /** Declared environment variables; undefined for one that is not set. */
  readonly environment: ReadonlyMap<string, string | undefined>;
  /** The chosen value of each axis; undefined where no cell is. */
  readonly cell: ReadonlyMap<string, string>;
  /** Characters that variables may still put into the texts of a definition. */
  readonly budget: { left: number };
}

/** What is wrong at one place, before anyone knows its line. */
export type Complaint = Pick<Finding, 'code' | 'message' | 'hint'>;

/** Characters that a text may have once its variables are in it, so that doubling again and again ends. */
const longest = 1 << 20;

/** Characters that variables may put into all texts together. */
export const mostExpanded = 64 << 20;

const form = /\$(\$\{|\{([^{}\n]*)(\}?))/g;

/** A text with its variables in it; `$${` stays as `${`. */
export function expand(text: string, scope: Scope, complain: (complaint: Complaint) => void): string {
  if (!text.includes('${')) return text;
  let length = text.length;
  const expanded = text.replaceAll(form, (_, ...[escape, name, end]: (string | undefined)[]) => {
    if (escape === '${') return '${';
    const value = end === '}' && length <= longest && scope.budget.left >= 0 ? lookUp(name ?? '', scope) : undefined;
    if (typeof value === 'string') {
      length += value.length;
      scope.budget.left -= value.length;
      return value;
    }
    if (end !== '}') complain({ code: 'PK1107', message: '"${" has no "}"', hint: escapeHint });
    else if (value !== undefined) complain(value);
    return '';
  });
  if (scope.budget.left < 0) {
    complain({ code: 'PK1110', message: `with its variables the definition is longer than ${mostExpanded} characters` });
    return '';
  }
  if (length <= longest) return expanded;
  complain({ code: 'PK1110', message: `with its variables this text is longer than ${longest} characters` });
  return '';
}

/** The axes that a text uses. */
export function axesIn(text: string): readonly string[] {
  if (!text.includes('${')) return [];
  return [...text.matchAll(form)].flatMap((match) => (match[2]?.startsWith('matrix.') === true ? [match[2].slice(7)] : []));
}

const escapeHint = 'write "$${" for a plain "${"';

function lookUp(name: string, { variables, environment, cell }: Scope): string | Complaint {
  if (name.startsWith('env:')) {
    const [variable = '', how, text = ''] = name.slice(4).split(/(:[-+])(.*)/s);
    if (!environment.has(variable)) {
      const hint = `add ${quote(variable)} to env = [...] at the top of the definition`;
      return { code: 'PK1107', message: `the environment variable ${quote(variable)} is not declared`, hint };
    }
    const value = environment.get(variable);
    const isThere = value !== undefined && value !== '';
    if (how === ':+') return isThere ? text : '';
    if (how === ':-') return isThere ? value : text;
    return value ?? { code: 'PK1107', message: `the environment variable ${quote(variable)} is not set` };
  }
  if (name.startsWith('matrix.')) {
    const axis = name.slice(7);
    return (
      cell.get(axis) ?? {
        code: 'PK1109',
        message: `there is no matrix axis ${quote(axis)} here`,
        hint: known('axes', cell.keys(), axis),
      }
    );
  }
  const value = variables.get(name);
  if (value !== undefined) return value;
  const near = known('variables', variables.keys(), name);
  return { code: 'PK1107', message: `there is no variable ${quote(name)}`, hint: () => `${near()}; ${escapeHint}` };
}

/** What may have been meant instead of a name that is not known. */
export function known(what: string, names: Iterable<string>, typed: string): () => string {
  return () => {
    const all = [...names];
    const near = suggest(typed, all);
    if (near !== undefined) return `did you mean ${quote(near)}?`;
    return all.length === 0 ? `there are no ${what}` : `the ${what} are ${all.slice(0, 20).join(', ')}`;
  };
}
