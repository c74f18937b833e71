/** What stands for what nobody may read. */
const redacted = 'REDACTED';

/**
 * A value of a document with what looks like credentials taken out: in URLs, in command lines (`argv`), and the values of
 * variables, options, annotations and labels whose names say that they are secret. Texts that have none stay as they are.
 */
export function withoutCredentials(value: unknown): unknown {
  if (typeof value === 'string') return textWithoutCredentials(value);
  if (Array.isArray(value)) return value.map(withoutCredentials);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, memberWithoutCredentials(key, item)]));
}

/** Members whose own members are named by users, as an object or as the JSON of one. */
const named = new Set(['env', 'options', 'config', 'annotations', 'labels']);

function memberWithoutCredentials(key: string, item: unknown): unknown {
  if (key === 'argv' && Array.isArray(item)) return argvWithoutCredentials(item);
  return named.has(key) ? namedWithoutCredentials(item) : withoutCredentials(item);
}

function namedWithoutCredentials(value: unknown): unknown {
  if (typeof value === 'string') return jsonWithoutCredentials(value);
  if (Array.isArray(value)) return value.map(namedWithoutCredentials);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => {
    const isSecret = isSecretive(key) && (typeof item === 'string' || typeof item === 'number') && item !== '';
    return [key, isSecret ? redacted : namedWithoutCredentials(item)];
  });
  return Object.fromEntries(entries);
}

function jsonWithoutCredentials(text: string): string {
  const value = text.startsWith('{') ? parsed(text) : text;
  return typeof value === 'string' ? textWithoutCredentials(text) : JSON.stringify(namedWithoutCredentials(value));
}

/** Whether a name says that what it stands for is secret. */
function isSecretive(name: string): boolean {
  return /token|secret|passw|passphrase|pass$|pwd|jwt|assertion|signature|credential|auth(?!or(?!iz))|session|cookie|bearer|(?:^|[-_.])(?:sig|pat|creds?)$|keys?(?:[-_.]?id)?$/i.test(
    name,
  );
}

/** Whether a fact about a step (`env TZ`, `argv`, `url`), a text or JSON, has what looks like credentials in it. */
export function holdsCredentials(name: string, value: string): boolean {
  const [kind = '', ...rest] = name.split(' ');
  if (kind === 'env' && isSecretive(rest.join(' '))) return value !== '';
  const given = /^[[{]/.test(value) ? parsed(value) : value;
  const told = kind === 'argv' && Array.isArray(given) ? argvWithoutCredentials(given) : namedWithoutCredentials(given);
  return JSON.stringify(told) !== JSON.stringify(given);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A command line without credentials: each word, and the word behind an option whose name says that it is secret. */
function argvWithoutCredentials(argv: readonly unknown[]): readonly unknown[] {
  return argv.map((word, at) => {
    if (typeof word !== 'string') return withoutCredentials(word);
    const before = argv[at - 1];
    const option = typeof before === 'string' ? /^--?([A-Za-z][\w.-]{0,63})$/.exec(before)?.[1] : undefined;
    if (option !== undefined && isSecretive(option) && !/^(?:-|\$|$)/.test(word)) return redacted;
    if (option === 'u' || option === 'user') return word.replace(/^([^:\s]{1,256}):(?!\d*$)[^$].*$/s, `$1:${redacted}`);
    return textWithoutCredentials(commandWithoutCredentials(word));
  });
}

/** `NAME=value`, `--name value`, `-u name:value` and `Name: value` of shell scripts; what the shell would fill in stays. */
function commandWithoutCredentials(text: string): string {
  return text
    .replaceAll(
      /(?<![\w.$-])((?:--?)?([A-Za-z_][\w.-]{0,63})=)("[^"$]{1,4096}"|'[^']{1,4096}'|[^\s;&|"'()$<>]{1,4096})/g,
      (whole, before: string, name: string) => (isSecretive(name) ? `${before}${redacted}` : whole),
    )
    .replaceAll(
      /(?<![\w-])(--([A-Za-z][\w.-]{0,63})[ \t]{1,16})("[^"$]{1,4096}"|'[^']{1,4096}'|[^\s;&|"'()$<>-][^\s;&|"'()$<>]{0,4095})/g,
      (whole, before: string, name: string) => (isSecretive(name) ? `${before}${redacted}` : whole),
    )
    .replaceAll(/(?<![\w-])((?:-u|--user)[ =]["']?[^\s:"'$]{1,256}):[^\s"'$]{1,1024}/g, `$1:${redacted}`)
    .replaceAll(
      /(?<![\w-])(([A-Za-z][A-Za-z-]{0,63}):[ \t]{0,16}(?:(?:Basic|Bearer|Token)[ \t]{1,16})?)([^\s"'$:/][^\s"'$]{0,4095})/gi,
      (whole, before: string, name: string) => (isSecretive(name) ? `${before}${redacted}` : whole),
    );
}

/** The same for one text. Takes as long as the text is, whatever is in it: definitions hold whole files. */
export function textWithoutCredentials(text: string): string {
  const [before = '', ...urls] = text.toWellFormed().split('://');
  const bare = [before, ...urls.map(withoutCredentialsAhead)].join('://');
  return withoutPasswords(bare).replaceAll(known, redacted);
}

/**
 * A line of a definition as an error shows it: as long as before, so that carets stay where they point, and stars from the
 * first to the last sign of a credential.
 */
export function maskCredentials(line: string): string {
  const told = textWithoutCredentials(commandWithoutCredentials(line)).replaceAll(assigned, `$1${redacted}$2`);
  const text = line.toWellFormed();
  if (told === text) return line;
  const shorter = Math.min(told.length, text.length);
  let before = 0;
  while (before < shorter && told[before] === text[before]) before += 1;
  let behind = 0;
  while (behind < shorter - before && told.at(-1 - behind) === text.at(-1 - behind)) behind += 1;
  return text.slice(0, before) + '*'.repeat(text.length - before - behind) + text.slice(text.length - behind);
}

/** A variable of the environment with a name that says that it is secret: `API_TOKEN = "…"`. */
const assigned =
  /(\b[A-Z][A-Z0-9_]{0,63}(?:TOKEN|SECRET|PASSWORD|PASSWD|KEY|AUTH|CREDENTIALS?)["']?[ \t]{0,16}[=:][ \t]{0,16}["'])[^"']{1,4096}(["'])/g;

/** What services give out as tokens, and private keys, whatever stands before them. */
const known =
  /(?<![\w-])(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_\w{20,255}|glpat-[\w-]{20,255}|xox[abeoprs]-[\w-]{10,255}|(?:AKIA|ASIA)[A-Z0-9]{16}|eyJ[\w-]{8,8192}\.eyJ[\w-]{8,8192}\.[\w-]{0,8192})|-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[\w+/=\s\\]{0,65536}/g;

/** What comes after `://`: an authority, perhaps a query, and then anything. */
function withoutCredentialsAhead(text: string): string {
  const [url = ''] = /^\S*/.exec(text) ?? [];
  const bare = url.replace(/^[^/?#\\]*@/, '').replaceAll(/([?&;#])([^=?&;#]*)=[^?&;#]*/g, withoutValue);
  return bare + text.slice(url.length);
}

/** Signed URLs have what they are signed with in their query. */
function withoutValue(whole: string, delimiter: string, name: string): string {
  return isSecretive(name) ? `${delimiter}${name}=${redacted}` : whole;
}

/** `USER:PASSWORD@HOST:PATH`, as ssh and databases have it, without the password; `IMAGE:TAG@sha256:…` is none. */
function withoutPasswords(text: string): string {
  const parts = text.split('@');
  return parts
    .map((part, at) => {
      const next = parts[at + 1];
      if (next === undefined || !/^(?!sha\d{3}:)[\w.-]{1,253}[:(]/.test(next)) return part;
      const word = lastWord(part);
      const colon = word.indexOf(':');
      return colon < 1 || word.includes('/') ? part : part.slice(0, part.length - word.length + colon);
    })
    .join('@');
}

/** The end of a text that has no space, quote or sign before it. */
function lastWord(text: string): string {
  let at = text.length;
  while (at > 0 && text.length - at < 1024 && !/[\s'"=(,+]/.test(text[at - 1] ?? '')) at -= 1;
  return text.slice(at);
}
