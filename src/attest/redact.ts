/** A value of a document with the credentials of every URL in it taken out; texts that have none stay as they are. */
export function withoutCredentials(value: unknown): unknown {
  if (typeof value === 'string') return textWithoutCredentials(value);
  if (Array.isArray(value)) return value.map(withoutCredentials);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutCredentials(item)]));
}

/** The same for one text. Takes as long as the text is, whatever is in it: definitions hold whole files. */
export function textWithoutCredentials(text: string): string {
  const [before = '', ...urls] = text.toWellFormed().split('://');
  return [before, ...urls.map(withoutCredentialsAhead)].join('://');
}

/** What comes after `://`: an authority, perhaps a query, and then anything. */
function withoutCredentialsAhead(text: string): string {
  const [url = ''] = /^\S*/.exec(text) ?? [];
  const bare = url.replace(/^[^/?#\\]*@/, '').replaceAll(/([?&;#])([^=?&;#]*)=[^?&;#]*/g, withoutValue);
  return bare + text.slice(url.length);
}

/** Signed URLs have what they are signed with in their query. */
const secretive =
  /token|secret|passw|pwd|jwt|assertion|signature|credential|auth|session|(?:^|[-_.])(?:sig|pat)$|key(?:[-_.]?id)?$/i;

function withoutValue(whole: string, delimiter: string, name: string): string {
  return secretive.test(name) ? `${delimiter}${name}=REDACTED` : whole;
}
