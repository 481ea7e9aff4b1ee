import assert from 'node:assert/strict';
import { test } from 'node:test';
import { properties } from '../../../config/pipebridge.schema.json';
import { configOf, fieldsOf, patchOf, problemsOf, type Schema, valuesOf } from '../src/store/pipe_form';

const fields = fieldsOf(properties.pipes.items as unknown as Schema);
const of = (pointer: string) => fields.find((field) => field.pointer === pointer);

test('form_has_a_field_for_each_setting_of_a_pipe', () => {
  assert.equal(of('/role')?.kind, 'choice');
  assert.equal(of('/limits/max_instances')?.kind, 'number');
  assert.equal(of('/limits/max_instances')?.name, 'limits.max_instances');
  assert.equal(of('/describe_clients')?.kind, 'flag');
  assert.equal(of('/clients/allow')?.kind, 'json');
});

test('form_becomes_a_configuration_of_what_is_set', () => {
  const values = {
    '/name': 'a',
    '/path': 'a.sock',
    '/mode': '',
    '/limits/max_instances': '5',
    '/describe_clients': 'false',
    '/clients/allow': '[{"user":"alice"}]',
    '/limits/accept_rate': 'x',
  };
  assert.deepEqual(configOf(fields, values), {
    name: 'a',
    path: 'a.sock',
    limits: { max_instances: 5, accept_rate: 'x' },
    describe_clients: false,
    clients: { allow: [{ user: 'alice' }] },
  });
});

test('form_of_a_pipe_shows_what_is_not_as_by_default', () => {
  const values = valuesOf(fields, {
    name: 'a',
    mode: 'byte',
    framing: 'line',
    limits: { max_instances: 5 },
  });
  assert.equal(values['/mode'], '');
  assert.equal(values['/framing'], 'line');
  assert.equal(values['/limits/max_instances'], '5');
});

test('form_that_was_changed_becomes_a_patch', () => {
  const before = { '/framing': 'line', '/limits/max_instances': '5', '/reply': '' };
  const after = { '/framing': 'line', '/limits/max_instances': '', '/reply': 'echo' };
  assert.deepEqual(patchOf(fields, before, after), { limits: { max_instances: 1024 }, reply: 'echo' });
});

test('problems_stand_at_their_fields', () => {
  const { atField, others } = problemsOf(
    fields,
    '/framing: "lin" is not known\n/clients/allow/0/user: no such user\n/bogus: unknown key\nNothing was changed.',
  );
  assert.deepEqual(
    [...atField],
    [
      ['/framing', '"lin" is not known'],
      ['/clients/allow', 'no such user'],
    ],
  );
  assert.deepEqual(others, ['/bogus: unknown key', 'Nothing was changed.']);
});
