const mask = Buffer.from('***');
/** Shorter ones would hide half of a log and are no secrets. */
const shortest = 4;

/** Hides secrets in a stream of bytes, also where one is cut in two. */
export interface Redactor {
  take(bytes: Uint8Array): void;
  /** Gives what was held back. */
  end(): void;
}

/** A redactor that hands on what is safe to show. */
export function createRedactor(secrets: readonly Uint8Array[], give: (bytes: Uint8Array) => void): Redactor {
  const hidden = secrets
    .flatMap((secret) => [Buffer.from(secret), Buffer.from(Buffer.from(secret).toString().trim())])
    .filter((secret) => secret.length >= shortest)
    .toSorted((a, b) => b.length - a.length);
  if (hidden.length === 0) return { take: give, end: () => {} };
  let held = Buffer.alloc(0);
  return {
    take(bytes) {
      const { shown, rest } = mark(Buffer.concat([held, bytes]), hidden);
      held = Buffer.from(rest);
      if (shown.length > 0) give(shown);
    },
    end() {
      if (held.length > 0) give(held);
      held = Buffer.alloc(0);
    },
  };
}

/** Replaces every secret; what could be the beginning of one is the rest. */
function mark(bytes: Buffer, secrets: readonly Buffer[]): { readonly shown: Buffer; readonly rest: Buffer } {
  const pieces: Buffer[] = [];
  let from = 0;
  for (let at = 0; at < bytes.length;) {
    const here = bytes.subarray(at);
    const whole = secrets.find((secret) => here.length >= secret.length && here.subarray(0, secret.length).equals(secret));
    if (whole !== undefined) {
      pieces.push(bytes.subarray(from, at), mask);
      at += whole.length;
      from = at;
    } else if (secrets.some((secret) => here.length < secret.length && secret.subarray(0, here.length).equals(here))) {
      pieces.push(bytes.subarray(from, at));
      return { shown: Buffer.concat(pieces), rest: here };
    } else at = nextStart(bytes, at + 1, secrets);
  }
  pieces.push(bytes.subarray(from));
  return { shown: Buffer.concat(pieces), rest: Buffer.alloc(0) };
}

/** The next place where a secret could start. */
function nextStart(bytes: Buffer, from: number, secrets: readonly Buffer[]): number {
  const starts = secrets.map((secret) => bytes.indexOf(secret[0] ?? 0, from)).filter((at) => at >= 0);
  return Math.min(bytes.length, ...starts);
}
