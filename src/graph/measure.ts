import type { DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/**
 * Whether a message in bytes has at most so many values. Walks the bytes without keeping anything, because a few of them
 * can ask for a large object. Throws for fields that the message does not have (they would change what is asked for without
 * being seen), and for nested groups (they overflow a parser's stack).
 */
export function isWithin(bytes: Uint8Array, desc: DescMessage, values: number): boolean {
  const budget = { left: values };
  measure(new BinaryReader(bytes), bytes.length, { desc, budget });
  return budget.left >= 0;
}

function measure(reader: BinaryReader, end: number, { desc, budget }: { desc: DescMessage; budget: { left: number } }): void {
  const fields = fieldsOf(desc);
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    const field = fields.get(number);
    if (field === undefined) throw new Error(`${desc.typeName} has no field ${number}`);
    if (--budget.left < 0) return;
    const isVarint = wireType === WireType.Varint;
    if (!isVarint && wireType !== WireType.LengthDelimited)
      throw new Error(`${desc.typeName}.${field.name} has the wire type ${wireType}`);
    if (field.message === undefined) reader.skip(wireType, number);
    else {
      const length = isVarint ? Number.NaN : reader.uint32();
      if (!(reader.pos + length <= end)) throw new Error(`${desc.typeName}.${field.name} is cut off`);
      measure(reader, reader.pos + length, { desc: field.message, budget });
      if (budget.left < 0) return;
    }
  }
  if (reader.pos !== end) throw new Error(`${desc.typeName} is cut off`);
}

/** What `measure` needs of a field: its name, and the message in it. */
interface Field {
  readonly name: string;
  readonly message: DescMessage | undefined;
}

const fieldsByMessage = new WeakMap<DescMessage, ReadonlyMap<number, Field>>();

function fieldsOf(desc: DescMessage): ReadonlyMap<number, Field> {
  const known = fieldsByMessage.get(desc);
  if (known !== undefined) return known;
  const fields = new Map(
    desc.fields.map((field) => {
      const isMessage = field.fieldKind === 'message' || (field.fieldKind === 'list' && field.listKind === 'message');
      return [field.number, { name: field.name, message: isMessage ? field.message : undefined }];
    }),
  );
  fieldsByMessage.set(desc, fields);
  return fields;
}
