// The form for a pipe, made from the configuration's schema: its fields, what they hold as a configuration, and
// which field an error is about. Pure.

export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
}

export interface Field {
  /** "/limits/max_instances", as errors name it. */
  readonly pointer: string;
  /** "limits.max_instances", as the configuration's documentation names it. */
  readonly name: string;
  readonly kind: 'choice' | 'number' | 'text' | 'flag' | 'json';
  readonly schema: Schema;
}

/** What stands in the form, by pointer; '' is not set. */
export type Values = Readonly<Record<string, string>>;
type Json = Record<string, unknown>;

function kindOf(schema: Schema): Field['kind'] {
  if (schema.enum !== undefined) return 'choice';
  if (schema.type === 'integer') return 'number';
  if (schema.type === 'boolean') return 'flag';
  return schema.type === 'string' ? 'text' : 'json';
}

/** In the schema's order; objects are taken apart. */
export function fieldsOf(schema: Schema, pointer = ''): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
    const place = `${pointer}/${key}`;
    if (inner.properties !== undefined) return fieldsOf(inner, place);
    const name = place.slice(1).replaceAll('/', '.');
    return [{ pointer: place, name, kind: kindOf(inner), schema: inner }];
  });
}

function lookUp(config: unknown, pointer: string): unknown {
  return pointer
    .slice(1)
    .split('/')
    .reduce<unknown>(
      (value, key) => (typeof value === 'object' && value !== null ? (value as Json)[key] : undefined),
      config,
    );
}

const shown = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);

/** What is not set, or as by default, is left empty. */
export function valuesOf(fields: readonly Field[], config: unknown): Values {
  const values: Record<string, string> = {};
  for (const { pointer, schema } of fields) {
    const value = lookUp(config, pointer);
    values[pointer] = value === schema.default ? '' : shown(value);
  }
  return values;
}

function parsed(field: Field, text: string): unknown {
  if (field.kind === 'text' || field.kind === 'choice') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text; // the service says what is wrong with it
  }
}

function put(config: Json, pointer: string, value: unknown): void {
  const keys = pointer.slice(1).split('/');
  const last = keys.pop() ?? '';
  let place = config;
  for (const key of keys) {
    place[key] ??= {};
    place = place[key] as Json;
  }
  place[last] = value;
}

/** The pipe as the configuration would have it, with what is set only. */
export function configOf(fields: readonly Field[], values: Values): Json {
  const config: Json = {};
  for (const field of fields) {
    const text = values[field.pointer] ?? '';
    if (text !== '') put(config, field.pointer, parsed(field, text));
  }
  return config;
}

/** What differs, as a JSON merge patch (RFC 7396): what was cleared becomes its default again. */
export function patchOf(fields: readonly Field[], before: Values, after: Values): Json {
  const patch: Json = {};
  for (const field of fields) {
    const text = after[field.pointer] ?? '';
    if (text === (before[field.pointer] ?? '')) continue;
    put(patch, field.pointer, text === '' ? (field.schema.default ?? null) : parsed(field, text));
  }
  return patch;
}

export interface Problems {
  readonly atField: ReadonlyMap<string, string>;
  /** What belongs to no field. */
  readonly others: readonly string[];
}

/** Lines of "/pointer: what is wrong". */
export function problemsOf(fields: readonly Field[], detail: string): Problems {
  const atField = new Map<string, string>();
  const others: string[] = [];
  for (const line of detail.split('\n').filter((each) => each !== '')) {
    const [, pointer = '', text = ''] = /^(\/\S*): (.*)$/.exec(line) ?? [];
    const field = fields.find(
      (each) => pointer === each.pointer || pointer.startsWith(`${each.pointer}/`),
    );
    if (field === undefined) others.push(line);
    else
      atField.set(
        field.pointer,
        atField.has(field.pointer) ? `${atField.get(field.pointer)} ${text}` : text,
      );
  }
  return { atField, others };
}
