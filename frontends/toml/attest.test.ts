import { describe, expect, test } from 'vitest';
import type { Graph } from '../../src/graph/graph.ts';
import { problemsOf } from '../../src/graph/problem.ts';
import { toml } from './index.ts';

async function load(text: string): Promise<Graph> {
  const context = { set: {}, env: () => undefined, read: () => undefined, signal: new AbortController().signal };
  return (await toml.load({ text, path: 'portkit.toml' }, context)).graph;
}

function shown({ vertices }: Graph): readonly string[] {
  return vertices.map(
    ({ name, op, inputs }) => `${name}: ${JSON.stringify(op)} <${inputs.map((input) => vertices[input.vertex]?.name).join(' ')}`,
  );
}

async function problems(text: string): Promise<readonly string[]> {
  const error: unknown = await load(text).catch((reason: unknown) => reason);
  return problemsOf(error).map(({ code, location, message }) => `${code} ${location?.line}:${location?.column} ${message}`);
}

test('steps that attest, sign and verify', async () => {
  const graph = await load(`
[steps.layout]
oci = { artifact_type = "application/vnd.example+json", layers = [{ name = "src", from = "local:src" }] }
[steps.told]
provenance = { from = "step:layout", mode = "min", attach = true, builder = "https://ci.example", time = 0 }
[steps.signed]
sign = { from = "step:told", key = "signing", passphrase = "word" }
[steps.checked]
verify = { from = "step:signed", keys = ["a.pub"], predicate_types = ["https://slsa.dev/provenance/v1"] }
[steps.plain]
verify = { from = "step:signed", keys = ["a.pub"] }
`);
  expect(shown(graph).slice(1, 5)).toEqual([
    'told: {"type":"provenance","mode":"min","attach":true,"builder":"https://ci.example","time":0} <layout',
    'signed: {"type":"sign","key":"signing","passphrase":"word"} <told',
    'checked: {"type":"verify","keys":["a.pub"],"predicateTypes":["https://slsa.dev/provenance/v1"]} <signed',
    'plain: {"type":"verify","keys":["a.pub"]} <signed',
  ]);
});

test('what is wrong with them is told', async () => {
  expect(
    await problems(`
[steps.told]
provenance = { from = "step:nothing", mode = "all" }
[steps.signed]
sign = { from = "step:told" }
[steps.checked]
verify = { from = "step:signed", keys = [] }
`),
  ).toEqual([
    'PK1104 3:23 steps.told.provenance.from: there is no step "nothing"',
    'PK1103 3:46 steps.told.provenance.mode: expected "min" or "max"',
    'PK1103 5:1 steps.signed.sign: the key "key" is missing',
    'PK1103 7:41 steps.checked.verify.keys: expected at least one element',
  ]);
});

describe('postprocessors', () => {
  const artifact = (postprocess: string): string => `
[steps.kernel]
tree = [{ write = "/vmlinux", text = "kernel" }]
[artifacts.kernels.k]
reference = { registry = "example.org", repository = "k", version = "v1" }
[[artifacts.kernels.k.variants]]
path = "artifacts/vmlinux"
selector = { architecture = "x86_64", substrate = "firecracker", protection_mode = "standard" }
build = { step = "kernel" }
${postprocess.replaceAll(/^/gm, '[[artifacts.kernels.k.postprocess]]\n')}
`;

  test('attest and sign what is packaged, one after the other', async () => {
    const graph = await load(
      artifact(`oci = { artifact_type = "application/vnd.example+json" }
provenance = { mode = "max" }
sign = { key = "signing" }
verify = { keys = ["a.pub"] }`),
    );
    expect(shown(graph).slice(2)).toEqual([
      'k.provenance: {"type":"provenance","attach":true,"mode":"max"} <k.oci',
      'k.sign: {"type":"sign","key":"signing"} <k.provenance',
      'k.verify: {"type":"verify","keys":["a.pub"]} <k.sign',
    ]);
  });

  test('tell of each variant when nothing is packaged, or beside the package', async () => {
    expect(shown(await load(artifact('provenance = {}'))).slice(1)).toEqual(['k.provenance: {"type":"provenance"} <kernel']);
    const oci = 'oci = { artifact_type = "application/vnd.example+json" }';
    expect(shown(await load(artifact(`${oci}\nprovenance = { attach = false }\nsign = { key = "x" }`))).slice(2)).toEqual([
      'k.provenance: {"type":"provenance"} <k.oci',
      'k.sign: {"type":"sign","key":"x"} <k.oci',
    ]);
  });

  test('are refused when there is nothing to sign, or the order is wrong', async () => {
    expect(await problems(artifact('sign = { key = "x" }'))).toEqual([
      expect.stringContaining('there is no artifact: no postprocessor before this one makes one'),
    ]);
    expect(await problems(artifact('provenance = { attach = true }'))).toEqual([expect.stringContaining('nothing to attach to')]);
    const oci = 'oci = { artifact_type = "application/vnd.example+json" }';
    expect(await problems(artifact(`${oci}\nsign = { key = "x" }\nprovenance = {}`))).toEqual([
      expect.stringContaining('attest comes before sign'),
    ]);
  });
});
