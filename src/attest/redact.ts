/** A value of a document with the credentials of every URL in it taken out; texts that have none stay as they are. */
export function withoutCredentials(value: unknown): unknown {
  if (typeof value === 'string') return textWithoutCredentials(value);
  if (Array.isArray(value)) return value.map(withoutCredentials);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutCredentials(item)]));
}

/** The same for one text. */
export function textWithoutCredentials(text: string): string {
  return text.replaceAll(/\b[a-z][a-z0-9+.-]*:\/\/[^\s]+/gi, (url) =>
    url.replace(/^([^:]+:\/\/)[^/?#\\]*@/, '$1').replaceAll(/([?&;#])([^=?&;#]+)=[^?&;#]*/g, withoutValue),
  );
}

/** Signed URLs have what they are signed with in their query. */
const secretive = /token|secret|passw|signature|credential|auth|session|(?:^|[-_.])sig$|key(?:[-_.]?id)?$/i;

function withoutValue(whole: string, delimiter: string, name: string): string {
  return secretive.test(name) ? `${delimiter}${name}=REDACTED` : whole;
}
