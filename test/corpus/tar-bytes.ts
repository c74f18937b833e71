/** The fields of a header as they stand in it. */
export interface Fields {
  readonly name?: string;
  readonly mode?: string;
  readonly uid?: string;
  readonly gid?: string;
  readonly size?: string;
  readonly mtime?: string;
  readonly sum?: string;
  readonly type?: string;
  readonly link?: string;
  readonly magic?: string;
  readonly major?: string;
  readonly minor?: string;
  readonly prefix?: string;
}

const places = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  sum: [148, 8],
  type: [156, 1],
  link: [157, 100],
  magic: [257, 8],
  major: [329, 8],
  minor: [337, 8],
  prefix: [345, 155],
} as const;

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');

/** One header, with the right checksum unless another is given. */
export function header(fields: Fields): Buffer {
  const block = Buffer.alloc(512);
  const all = {
    name: 'a',
    mode: '0000644',
    uid: '0',
    gid: '0',
    size: '0',
    mtime: '0',
    type: '0',
    magic: 'ustar\x0000',
    ...fields,
  };
  for (const [field, [at, size]] of Object.entries(places)) {
    const value: string | undefined = { ...all }[field as keyof Fields];
    if (value !== undefined && field !== 'sum') block.write(value, at, size, 'latin1');
  }
  block.fill(' ', 148, 156);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(fields.sum ?? `${octal(sum, 6)}\0 `, 148, 8, 'latin1');
  return block;
}

const padded = (body: string): Buffer => {
  const bytes = Buffer.from(body, 'latin1');
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 511)]);
};
/** A header and its content. */
export const file = (fields: Fields, body = 'x'): Buffer =>
  Buffer.concat([header({ size: octal(body.length, 11), ...fields }), padded(body)]);
/** The end mark. */
export const end = Buffer.alloc(1024);
/** Entries and the end mark. */
export const archive = (...parts: readonly Buffer[]): Buffer => Buffer.concat([...parts, end]);
/** A pax record with the right length. */
export const record = (text: string): string => {
  let length = text.length + 3;
  while (`${length} ${text}\n`.length !== length) length++;
  return `${length} ${text}\n`;
};
/** A pax header. */
export const pax = (records: string, type = 'x'): Buffer => file({ name: 'PaxHeader', type }, records);
/** A long name, as GNU tar has it. */
export const gnuLong = (name: string, type = 'L'): Buffer => file({ name: '././@LongLink', type }, `${name}\0`);

/** Files, laid into an archive as they stand. */
export const tarOf = (...names: readonly string[]): Buffer => archive(...names.map((name) => file({ name })));
